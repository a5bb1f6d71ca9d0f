import { Badge, Group, Text } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ApiKey } from "@/api/generated/types.gen";
import { ConfirmButton } from "@/components/ui/confirm-button";
import { useFormat } from "@/lib/format/use-format";
import { beginningOf, expiryOf } from "../lib/keys";
import classes from "./rows.module.css";

interface KeyItemProps {
  apiKey: ApiKey;
  busy: boolean;
  onRevoke: () => void;
}

/** What is known of a key, and how to be rid of it. */
export function KeyItem({ apiKey, busy, onRevoke }: KeyItemProps) {
  const { t } = useTranslation("account");
  const format = useFormat();
  const { created_at, last_used_at, callback_url } = apiKey;
  const name = apiKey.label || t(($) => $.keys.unnamed);
  return (
    <li className={classes.row}>
      <Text fw={600} className={classes.long ?? ""}>
        {name}
      </Text>
      <ConfirmButton
        icon={<IconTrash size={14} aria-hidden />}
        label={t(($) => $.keys.revoke)}
        about={name}
        question={t(($) => $.keys.question, { label: name })}
        busy={busy}
        onConfirm={onRevoke}
      />
      <div className={`${classes.wide} ${classes.facts}`}>
        <span className={classes.mono}>{beginningOf(apiKey)}</span>
        <Group gap={6}>
          {apiKey.scopes.map((scope) => (
            <Badge key={scope} variant="default" size="sm" tt="none" fw={500}>
              {t(($) => $.scope[scope].name)}
            </Badge>
          ))}
        </Group>
        <span title={format.moment(created_at)}>
          {t(($) => $.keys.created, { date: format.date(created_at) })}
        </span>
        <span title={last_used_at ? format.moment(last_used_at) : undefined}>
          {last_used_at
            ? t(($) => $.keys.used, { when: format.relative(last_used_at) })
            : t(($) => $.keys.unused)}
        </span>
        <KeyEnd apiKey={apiKey} />
      </div>
      {callback_url !== null && (
        <Text size="sm" c="dimmed" className={`${classes.wide} ${classes.long}`}>
          {callback_url === ""
            ? t(($) => $.keys.tellsNobody)
            : t(($) => $.keys.tells, { url: callback_url })}
        </Text>
      )}
    </li>
  );
}

function KeyEnd({ apiKey }: { apiKey: ApiKey }) {
  const { t } = useTranslation("account");
  const format = useFormat();
  const { expires_at } = apiKey;
  if (expires_at === null) {
    return <span>{t(($) => $.keys.never)}</span>;
  }
  const expiry = expiryOf(apiKey, Date.now());
  const date = format.date(expires_at);
  return (
    <span
      className={expiry === "later" ? undefined : classes.alarming}
      title={format.moment(expires_at)}
    >
      {expiry === "past"
        ? t(($) => $.keys.ended, { date })
        : t(($) => $.keys.ends, { date: expiry === "soon" ? format.relative(expires_at) : date })}
    </span>
  );
}
