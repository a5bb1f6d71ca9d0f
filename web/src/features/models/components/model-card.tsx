import { Badge, Button, Card, Collapse, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ModelCard as Card_ } from "@/api/generated/types.gen";
import { referenceOf } from "@/api/models";
import { fold } from "@/lib/format/fold";
import { useFormat } from "@/lib/format/use-format";
import { useLanguage } from "@/lib/i18n/use-language";
import { labelLanguage, labelNames } from "@/lib/labels/labels";
import { Facts } from "./facts";
import classes from "./model-card.module.css";

/** What a model says of itself. */
export function ModelCard({ card, isDefault }: { card: Card_; isDefault: boolean }) {
  const { t } = useTranslation("models");
  const format = useFormat();
  const [language] = useLanguage();
  return (
    <Card withBorder padding="lg" component="section">
      <Stack gap="md">
        <div>
          <Group gap="xs" mb={4}>
            <Title order={2} size="h5">
              {referenceOf(card)}
            </Title>
            {isDefault && (
              <Badge variant="light" tt="none">
                {t(($) => $.default)}
              </Badge>
            )}
            <Badge variant="default" tt="none">
              {card.license}
            </Badge>
            <Badge variant="default" tt="none">
              {card.kind}
            </Badge>
          </Group>
          <Text size="sm" c="dimmed" lang="en">
            {card.description}
          </Text>
          <Text size="sm" mt={6} c={card.workers === 0 ? "var(--state-failed)" : undefined}>
            {card.workers === 0
              ? t(($) => $.noWorker)
              : t(($) => $.workers, { count: card.workers, number: format.number(card.workers) })}
          </Text>
        </div>
        <Facts title={t(($) => $.measured)} facts={card.measured} />
        <Facts title={t(($) => $.source)} facts={card.source} />
        <Labels labels={[...labelNames(card, labelLanguage(card, [language])).values()]} />
      </Stack>
    </Card>
  );
}

function Labels({ labels }: { labels: string[] }) {
  const { t } = useTranslation("models");
  const format = useFormat();
  const [open, { toggle }] = useDisclosure(false);
  const [typed, setTyped] = useState("");
  if (labels.length === 0) {
    return null;
  }
  const found = labels.filter((label) => fold(label).includes(fold(typed)));
  return (
    <div>
      <Button
        size="compact-sm"
        variant="default"
        aria-expanded={open}
        rightSection={<IconChevronDown size={14} aria-hidden />}
        onClick={toggle}
      >
        {t(($) => $.labels, { count: labels.length, number: format.number(labels.length) })}
      </Button>
      <Collapse expanded={open}>
        <TextInput
          mt="sm"
          maw={280}
          size="xs"
          leftSection={<IconSearch size={14} aria-hidden />}
          aria-label={t(($) => $.search)}
          placeholder={t(($) => $.search)}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <ul className={classes.labels}>
          {found.map((label) => (
            <li key={label}>{label}</li>
          ))}
        </ul>
      </Collapse>
    </div>
  );
}
