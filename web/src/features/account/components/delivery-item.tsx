import { Anchor, Button, Collapse, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconSend } from "@tabler/icons-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Delivery } from "@/api/generated/types.gen";
import { useFormat } from "@/lib/format/use-format";
import { isSending, lastAttempt } from "../lib/deliveries";
import { Attempts } from "./attempts";
import { DeliveryBadge } from "./delivery-badge";
import classes from "./rows.module.css";

const SHOWN_CHARACTERS = 8;

interface DeliveryItemProps {
  delivery: Delivery;
  busy: boolean;
  onAgain: () => void;
}

/** What became of the news of one prediction's end. */
export function DeliveryItem({ delivery, busy, onAgain }: DeliveryItemProps) {
  const { t } = useTranslation("account");
  const { t: tc } = useTranslation();
  const format = useFormat();
  const [opened, { toggle }] = useDisclosure(false);
  const id = useId();
  const { task_id, event, url, created_at, attempts } = delivery;
  return (
    <li className={classes.row}>
      <DeliveryBadge state={delivery.state} />
      <Text span size="sm" c="dimmed" ta="right" title={format.moment(created_at)}>
        {format.relative(created_at)}
      </Text>
      <span className={`${classes.wide} ${classes.long} ${classes.mono}`}>{url}</span>
      <div className={`${classes.wide} ${classes.foot}`}>
        <div className={classes.facts}>
          <Anchor component={Link} to={`/predictions/${task_id}`} size="sm" underline="always">
            {t(($) => $.deliveries.prediction, {
              id: task_id.slice(0, SHOWN_CHARACTERS),
              state: tc(($) => $.state[event]),
            })}
          </Anchor>
          <Progress delivery={delivery} />
        </div>
        <Group gap="xs" wrap="nowrap">
          {attempts.length > 0 && (
            <Button
              size="compact-sm"
              variant="default"
              rightSection={<IconChevronDown size={14} aria-hidden />}
              aria-expanded={opened}
              aria-controls={id}
              onClick={toggle}
            >
              {t(($) => $.deliveries.attempts)}
            </Button>
          )}
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconSend size={14} aria-hidden />}
            loading={busy}
            onClick={onAgain}
          >
            {delivery.state === "pending"
              ? t(($) => $.deliveries.now)
              : t(($) => $.deliveries.again)}
          </Button>
        </Group>
      </div>
      <Collapse expanded={opened} id={id} className={classes.wide ?? ""}>
        <Attempts delivery={delivery} />
      </Collapse>
    </li>
  );
}

/** How often it was tried, what the last answer was, and what comes next. */
function Progress({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation("account");
  const format = useFormat();
  const { attempts_made, next_attempt_at, state } = delivery;
  const last = lastAttempt(delivery);
  return (
    <>
      <span>
        {t(($) => $.deliveries.made, {
          count: attempts_made,
          number: format.number(attempts_made),
        })}
      </span>
      {last && (
        <span>
          {last.status === null
            ? t(($) => $.deliveries.noAnswer)
            : t(($) => $.deliveries.answer, { status: String(last.status) })}
        </span>
      )}
      {isSending(delivery) ? (
        <span>{t(($) => $.deliveries.sending)}</span>
      ) : (
        state === "pending" &&
        next_attempt_at && (
          <span title={format.moment(next_attempt_at)}>
            {t(($) => $.deliveries.next, { when: format.relative(next_attempt_at) })}
          </span>
        )
      )}
    </>
  );
}
