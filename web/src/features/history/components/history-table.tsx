import { Anchor, Checkbox, Table, Text } from "@mantine/core";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Prediction } from "@/api/generated/types.gen";
import { referenceOf } from "@/api/models";
import { Picture } from "@/components/prediction/picture";
import { StateBadge } from "@/components/prediction/state-badge";
import { useFormat } from "@/lib/format/use-format";
import { type EntryProps, useEntry } from "../hooks/use-entry";
import type { Selection } from "../hooks/use-selection";
import classes from "./history-table.module.css";

interface HistoryTableProps {
  items: readonly Prediction[];
  search: string;
  selection: Selection;
}

/** Predictions as rows. */
export function HistoryTable({ items, search, selection }: HistoryTableProps) {
  const { t } = useTranslation("history");
  const all = selection.ids.length === items.length;
  return (
    <Table.ScrollContainer minWidth={860}>
      <Table verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={40}>
              <Checkbox
                checked={all}
                indeterminate={!all && selection.ids.length > 0}
                onChange={() => (all ? selection.none() : selection.all())}
                aria-label={t(($) => $.selectAll)}
              />
            </Table.Th>
            <Table.Th>{t(($) => $.column.picture)}</Table.Th>
            <Table.Th>{t(($) => $.column.state)}</Table.Th>
            <Table.Th>{t(($) => $.column.found)}</Table.Th>
            <Table.Th>{t(($) => $.column.model)}</Table.Th>
            <Table.Th>{t(($) => $.column.batch)}</Table.Th>
            <Table.Th ta="right">{t(($) => $.column.time)}</Table.Th>
            <Table.Th ta="right">{t(($) => $.column.created)}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((prediction) => (
            <HistoryRow
              key={prediction.task_id}
              prediction={prediction}
              search={search}
              selected={selection.has(prediction.task_id)}
              onSelect={selection.toggle}
            />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const HistoryRow = memo(function HistoryRow(props: EntryProps) {
  const { prediction, selected, onSelect } = props;
  const format = useFormat();
  const { name, summary, path, selectLabel } = useEntry(props);
  const total = prediction.timings_ms.total;
  return (
    <Table.Tr data-selected={selected}>
      <Table.Td>
        <Checkbox
          checked={selected}
          onChange={() => onSelect(prediction.task_id)}
          aria-label={selectLabel}
        />
      </Table.Td>
      <Table.Td>
        <span className={classes.picture}>
          <span className={classes.frame}>
            <Picture prediction={prediction} maxSide={320} alt="" />
          </span>
          <Anchor component={Link} to={path} size="sm" truncate maw={220}>
            {name}
          </Anchor>
        </span>
      </Table.Td>
      <Table.Td>
        <StateBadge state={prediction.state} />
      </Table.Td>
      <Table.Td maw={260}>
        <Text size="sm" truncate title={summary}>
          {summary}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{referenceOf(prediction.model)}</Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{prediction.batch}</Text>
      </Table.Td>
      <Table.Td ta="right" className="tabular">
        {total === undefined ? "" : format.milliseconds(total)}
      </Table.Td>
      <Table.Td ta="right" className={classes.moment ?? ""}>
        {format.moment(prediction.created_at)}
      </Table.Td>
    </Table.Tr>
  );
});
