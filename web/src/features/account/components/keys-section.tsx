import { Button, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKey } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { authRevokeKey } from "@/api/generated/sdk.gen";
import type { ApiKey, Scope } from "@/api/generated/types.gen";
import { answer, problemOf } from "@/api/http";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { keysOptions } from "../api/keys";
import { KeyItem } from "./key-item";
import { NewKeyDialog } from "./new-key-dialog";
import classes from "./rows.module.css";
import { Section } from "./section";
import { SectionLoading } from "./section-loading";

/** The reader's API keys; `scopes` are those that a key of theirs may have. */
export function KeysSection({ scopes }: { scopes: readonly Scope[] }) {
  const { t } = useTranslation("account");
  const client = useQueryClient();
  const { data, error, isPending, refetch } = useQuery(keysOptions);
  const [asking, { open, close }] = useDisclosure(false);
  const [announcement, setAnnouncement] = useState("");
  const button = useRef<HTMLButtonElement>(null);
  const revoke = useMutation({
    mutationFn: ({ key_id }: ApiKey) => answer(authRevokeKey({ path: { key_id } })),
    onSuccess: (_, { label }) => {
      setAnnouncement(t(($) => $.keys.revoked, { label }));
      // What had the focus is gone with the key.
      button.current?.focus();
    },
    // Also where it was refused: the key may have been revoked elsewhere.
    onSettled: () => client.invalidateQueries(keysOptions),
  });
  const keys = data?.items.toReversed();
  return (
    <Section
      title={t(($) => $.keys.title)}
      hint={t(($) => $.keys.hint)}
      announcement={announcement}
      actions={
        <Button
          ref={button}
          size="compact-md"
          leftSection={<IconKey size={16} aria-hidden />}
          aria-haspopup="dialog"
          onClick={open}
        >
          {t(($) => $.keys.new)}
        </Button>
      }
    >
      {isPending && !error && <SectionLoading />}
      {error && <ProblemAlert problem={problemOf(error)} onRetry={() => void refetch()} />}
      {revoke.error && <ProblemAlert problem={problemOf(revoke.error)} />}
      {keys?.length === 0 && (
        <Text size="sm" c="dimmed">
          {t(($) => $.keys.empty)}
        </Text>
      )}
      {keys && keys.length > 0 && (
        <ul className={classes.rows}>
          {keys.map((key) => (
            <KeyItem
              key={key.key_id}
              apiKey={key}
              busy={revoke.isPending && revoke.variables.key_id === key.key_id}
              onRevoke={() => revoke.mutate(key)}
            />
          ))}
        </ul>
      )}
      <NewKeyDialog scopes={scopes} opened={asking} onClose={close} />
    </Section>
  );
}
