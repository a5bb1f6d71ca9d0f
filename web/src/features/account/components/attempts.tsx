import { Group, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Delivery } from "@/api/generated/types.gen";
import { CopyButton } from "@/components/ui/copy-button";
import { useFormat } from "@/lib/format/use-format";
import classes from "./rows.module.css";

/** Each attempt of a delivery that is still known, the last one first. */
export function Attempts({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation("account");
  const format = useFormat();
  return (
    <>
      <Table mt={6} fz="xs" verticalSpacing={4} horizontalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t(($) => $.attempt.number)}</Table.Th>
            <Table.Th>{t(($) => $.attempt.at)}</Table.Th>
            <Table.Th w="55%">{t(($) => $.attempt.answer)}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {delivery.attempts.toReversed().map(({ number, started_at, duration_ms, ...answer }) => (
            <Table.Tr key={number}>
              <Table.Td>{format.number(number)}</Table.Td>
              <Table.Td>
                <Group gap="0 12px">
                  <span className={classes.whole}>{format.exact(started_at)}</span>
                  <Text span size="xs" c="dimmed" className={classes.whole ?? ""}>
                    {t(($) => $.attempt.took, { duration: format.milliseconds(duration_ms) })}
                  </Text>
                </Group>
              </Table.Td>
              <Table.Td className={classes.long ?? ""}>
                {answer.status ?? t(($) => $.deliveries.noAnswer)}
                {answer.error && (
                  <Text span size="xs" c="dimmed" lang="en">
                    {` (${answer.error})`}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Group gap="xs" mt="xs" justify="space-between">
        <Text size="xs" c="dimmed" className={classes.long ?? ""}>
          webhook-id: <span className={classes.mono}>{delivery.webhook_id}</span>
        </Text>
        <CopyButton text={delivery.webhook_id} label={t(($) => $.attempt.copyId)} />
      </Group>
    </>
  );
}
