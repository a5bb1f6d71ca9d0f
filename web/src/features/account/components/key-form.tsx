import { Button, Checkbox, Group, Select, Stack, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { KeyWish, Problem, Scope } from "@/api/generated/types.gen";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { useFormat } from "@/lib/format/use-format";
import { EMPTY_DRAFT, type KeyDraft, LIFETIMES, RECEIVERS, wishOf } from "../lib/key-draft";

const DAY_SECONDS = 24 * 3600;
const MOST_LABEL_CHARACTERS = 64;

interface KeyFormProps {
  scopes: readonly Scope[];
  busy: boolean;
  problem: Problem | null;
  onSubmit: (wish: KeyWish) => void;
}

/** What a new key is for, what it allows, how long, and who is told of its predictions. */
export function KeyForm({ scopes, busy, problem, onSubmit }: KeyFormProps) {
  const { t } = useTranslation("account");
  const [draft, setDraft] = useState(EMPTY_DRAFT);
  const change = (changes: Partial<KeyDraft>) => setDraft({ ...draft, ...changes });
  const refused = problem?.errors?.find(({ pointer }) => pointer === "/callback_url");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(wishOf(draft));
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label={t(($) => $.form.label)}
          description={t(($) => $.form.labelHint)}
          required
          maxLength={MOST_LABEL_CHARACTERS}
          autoComplete="off"
          data-autofocus
          value={draft.label}
          onChange={(event) => change({ label: event.currentTarget.value })}
        />
        <Checkbox.Group
          label={t(($) => $.form.scopes)}
          value={draft.scopes}
          onChange={(chosen) => change({ scopes: scopes.filter((one) => chosen.includes(one)) })}
          error={draft.scopes.length === 0 && t(($) => $.form.noScope)}
        >
          <Stack gap={8} mt={6} mb={4}>
            {scopes.map((scope) => (
              <Checkbox
                key={scope}
                value={scope}
                label={t(($) => $.scope[scope].name)}
                description={t(($) => $.scope[scope].hint)}
              />
            ))}
          </Stack>
        </Checkbox.Group>
        <LifetimeSelect draft={draft} onChange={change} />
        <ReceiverInput
          draft={draft}
          onChange={change}
          error={
            refused && (
              <>
                {t(($) => $.form.addressRefused)} <span lang="en">{refused.detail}</span>
              </>
            )
          }
        />
        {problem && !refused && <ProblemAlert problem={problem} />}
        <Group justify="flex-end">
          <Button type="submit" loading={busy} disabled={draft.scopes.length === 0}>
            {t(($) => $.form.submit)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface DraftInputProps {
  draft: KeyDraft;
  onChange: (changes: Partial<KeyDraft>) => void;
}

function LifetimeSelect({ draft: { lifetime }, onChange }: DraftInputProps) {
  const { t } = useTranslation("account");
  const format = useFormat();
  const ends = (days: number) => new Date(Date.now() + days * DAY_SECONDS * 1000).toISOString();
  return (
    <Select
      label={t(($) => $.form.lifetime)}
      description={
        lifetime === null
          ? t(($) => $.form.lifetimeHint)
          : t(($) => $.keys.ends, { date: format.date(ends(lifetime)) })
      }
      data={LIFETIMES.map((days) => ({
        value: String(days),
        label: days === null ? t(($) => $.form.forever) : format.duration(days * DAY_SECONDS),
      }))}
      value={String(lifetime)}
      onChange={(chosen) =>
        onChange({ lifetime: LIFETIMES.find((days) => String(days) === chosen) ?? null })
      }
      allowDeselect={false}
    />
  );
}

function ReceiverInput({
  draft: { receiver, address },
  onChange,
  error,
}: DraftInputProps & { error: ReactNode }) {
  const { t } = useTranslation("account");
  return (
    <>
      <Select
        label={t(($) => $.form.receiver)}
        description={t(($) => $.form.receiverHint)}
        data={RECEIVERS.map((value) => ({ value, label: t(($) => $.receiver[value]) }))}
        value={receiver}
        onChange={(chosen) => onChange({ receiver: chosen ?? "deployment" })}
        allowDeselect={false}
      />
      {receiver === "address" && (
        <TextInput
          type="url"
          label={t(($) => $.form.address)}
          placeholder="https://"
          required
          value={address}
          onChange={(event) => onChange({ address: event.currentTarget.value })}
          error={error}
        />
      )}
    </>
  );
}
