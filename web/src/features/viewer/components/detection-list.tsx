import { ScrollArea, Table } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/lib/format/use-format";
import { classColor } from "../lib/colors";
import type { Shown } from "../lib/detections";
import classes from "./detection-list.module.css";

interface DetectionListProps {
  shown: Shown[];
  active: number | null;
  onActive: (index: number | null) => void;
}

/** What is shown, as a table; pointing at a row, or focusing it, lights up its box. */
export function DetectionList({ shown, active, onActive }: DetectionListProps) {
  const { t } = useTranslation("viewer");
  const format = useFormat();
  if (shown.length === 0) {
    return null;
  }
  return (
    <ScrollArea.Autosize mah={340} type="auto" offsetScrollbars="present">
      <Table verticalSpacing={5} stickyHeader highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t(($) => $.list.label)}</Table.Th>
            <Table.Th ta="right">{t(($) => $.list.score)}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map(({ detection, index }) => (
            <Table.Tr
              key={index}
              tabIndex={0}
              className={classes.row}
              data-active={active === index}
              onMouseEnter={() => onActive(index)}
              onMouseLeave={() => onActive(null)}
              onFocus={() => onActive(index)}
              onBlur={() => onActive(null)}
            >
              <Table.Td>
                <span className={classes.label}>
                  <span
                    className={classes.swatch}
                    style={{ background: classColor(detection.class_id).fill }}
                    aria-hidden
                  />
                  <span lang={detection.language}>{detection.name}</span>
                </span>
              </Table.Td>
              <Table.Td ta="right" className="tabular">
                {format.score(detection.score)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  );
}
