import { ColorSwatch, Group, Table, Text } from "@mantine/core";
import { classColor } from "../lib/colors";
import type { ShownDetection } from "../lib/labels";

interface DetectionTableProps {
  detections: ShownDetection[];
  active: number | null;
  onActive: (index: number | null) => void;
}

/** What was found, as a table; pointing at a row, or focusing it, lights up its box. */
export function DetectionTable({ detections, active, onActive }: DetectionTableProps) {
  if (detections.length === 0) {
    return <Text c="dimmed">Nothing was found at this score.</Text>;
  }
  return (
    <Table.ScrollContainer minWidth={220} mah="38dvh">
      <Table verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Label</Table.Th>
            <Table.Th ta="right">Score</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {detections.map((detection, index) => (
            <Table.Tr
              // biome-ignore lint/suspicious/noArrayIndexKey: a detection has no identity but its place in the result
              key={index}
              tabIndex={0}
              bg={active === index ? "var(--mantine-color-default-hover)" : undefined}
              onMouseEnter={() => onActive(index)}
              onMouseLeave={() => onActive(null)}
              onFocus={() => onActive(index)}
              onBlur={() => onActive(null)}
            >
              <Table.Td>
                <Group gap="xs" wrap="nowrap">
                  <ColorSwatch
                    size={12}
                    color={classColor(detection.class_id).fill}
                    withShadow={false}
                    aria-hidden
                  />
                  <span lang={detection.language}>{detection.name}</span>
                </Group>
              </Table.Td>
              <Table.Td ta="right" style={{ fontVariantNumeric: "tabular-nums" }}>
                {detection.score.toFixed(2)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
