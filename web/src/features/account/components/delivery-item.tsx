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
      <Group gap="4px 12px">
        <DeliveryBadge state={delivery.state} />
        <Anchor component={Link} to={`/predictions/${task_id}`} size="sm" underline="always">
          {t(($) => $.deliveries.prediction, { id: task_id.slice(0, SHOWN_CHARACTERS) })}
        </Anchor>
        <Text span size="sm" c="dimmed">
          {tc(($) => $.state[event])}
        </Text>
      </Group>
      <Text span size="sm" c="dimmed" ta="right" title={format.moment(created_at)}>
        {format.relative(created_at)}
      </Text>
      <span className={`${classes.wide} ${classes.long} ${classes.mono}`}>{url}</span>
      <Group gap="xs" justify="space-between" className={classes.wide ?? ""}>
        <Progress delivery={delivery} />
        <Group gap="xs">
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
      </Group>
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
    <div className={classes.facts}>
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
    </div>
  );
}
