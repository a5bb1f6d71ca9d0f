import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { ModelCard } from "@/api/generated/types.gen";
import { referenceOf } from "@/api/models";

interface ModelSelectProps {
  cards: readonly ModelCard[];
  value: string | null;
  onChange: (reference: string) => void;
  /** Without a label above it, where there is no room. */
  compact?: boolean;
}

/** Chooses a model; says of which no worker is there. */
export function ModelSelect({ cards, value, onChange, compact = false }: ModelSelectProps) {
  const { t } = useTranslation();
  const label = t(($) => $.model.label);
  return (
    <Select
      label={compact ? undefined : label}
      aria-label={label}
      size={compact ? "xs" : "sm"}
      data={cards.map((card) => ({
        value: referenceOf(card),
        label:
          card.workers > 0
            ? referenceOf(card)
            : `${referenceOf(card)} (${t(($) => $.model.noWorker)})`,
      }))}
      value={value}
      onChange={(reference) => reference && onChange(reference)}
      allowDeselect={false}
      checkIconPosition="right"
      w={compact ? 250 : 320}
      maw="100%"
      nothingFoundMessage={t(($) => $.model.noModels)}
    />
  );
}
