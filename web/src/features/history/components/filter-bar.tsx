import { Button, Group, MultiSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedCallback, useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconFilter, IconLayoutGrid, IconList } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ModelCard } from "@/api/generated/types.gen";
import { referenceOf } from "@/api/models";
import { fold } from "@/lib/format/fold";
import { useLanguage } from "@/lib/i18n/use-language";
import { labelLanguage, labelNames } from "@/lib/labels/labels";
import { isNarrowed, type Search, STATES } from "../lib/search";
import classes from "./filter-bar.module.css";

interface FilterBarProps {
  search: Search;
  onSearch: (search: Search) => void;
  cards: readonly ModelCard[];
}

/** Which predictions are shown, and how they are laid out. */
export function FilterBar({ search, onSearch, cards }: FilterBarProps) {
  const { t } = useTranslation("history");
  const { t: tc } = useTranslation();
  const [open, { toggle }] = useDisclosure(isNarrowed(search));
  const change = (changes: Partial<Search>) => onSearch({ ...search, ...changes });
  const [language] = useLanguage();
  const labels = new Map(
    cards.flatMap((card) => [...labelNames(card, labelLanguage(card, [language]))]),
  );
  return (
    <search className={classes.bar} data-open={open}>
      <Button
        className={classes.toggle ?? ""}
        variant="default"
        leftSection={<IconFilter size={16} aria-hidden />}
        rightSection={<IconChevronDown size={14} aria-hidden className={classes.chevron ?? ""} />}
        aria-expanded={open}
        onClick={toggle}
      >
        {t(($) => $.filter.title)}
      </Button>
      <MultiSelect
        label={t(($) => $.filter.state)}
        data={STATES.map((state) => ({ value: state, label: tc(($) => $.state[state]) }))}
        value={search.state}
        onChange={(chosen) => change({ state: STATES.filter((state) => chosen.includes(state)) })}
        placeholder={search.state.length === 0 ? t(($) => $.filter.any) : ""}
        clearable
      />
      <MultiSelect
        label={t(($) => $.filter.label)}
        data={[...labels].map(([value, label]) => ({ value, label }))}
        value={search.label}
        onChange={(label) => change({ label })}
        placeholder={search.label.length === 0 ? t(($) => $.filter.any) : ""}
        // People search without the marks that a label is written with.
        filter={({ options, search: typed }) =>
          options.filter(
            (option) =>
              "value" in option &&
              [option.label, option.value].some((name) => fold(name).includes(fold(typed))),
          )
        }
        nothingFoundMessage={t(($) => $.filter.noLabel)}
        searchable
        clearable
        limit={100}
      />
      <MultiSelect
        label={t(($) => $.filter.model)}
        data={cards.map(referenceOf)}
        value={search.model}
        onChange={(model) => change({ model })}
        placeholder={search.model.length === 0 ? t(($) => $.filter.any) : ""}
        clearable
      />
      <BatchInput batch={search.batch} onBatch={(batch) => change({ batch })} />
      <TextInput
        type="date"
        label={t(($) => $.filter.from)}
        value={search.from}
        max={search.to || undefined}
        onChange={(event) => change({ from: event.currentTarget.value })}
      />
      <TextInput
        type="date"
        label={t(($) => $.filter.to)}
        value={search.to}
        min={search.from || undefined}
        onChange={(event) => change({ to: event.currentTarget.value })}
      />
      <Group gap="xs" className={classes.end ?? ""} wrap="nowrap">
        <SegmentedControl
          aria-label={t(($) => $.layout.label)}
          value={search.layout}
          onChange={(layout) => change({ layout: layout === "table" ? "table" : "gallery" })}
          data={[
            {
              value: "gallery",
              label: <LayoutLabel icon={IconLayoutGrid} text={t(($) => $.layout.gallery)} />,
            },
            {
              value: "table",
              label: <LayoutLabel icon={IconList} text={t(($) => $.layout.table)} />,
            },
          ]}
        />
        {isNarrowed(search) && (
          <Button
            variant="subtle"
            onClick={() => change({ state: [], model: [], label: [], batch: "", from: "", to: "" })}
          >
            {t(($) => $.filter.clear)}
          </Button>
        )}
      </Group>
    </search>
  );
}

function LayoutLabel({ icon: Icon, text }: { icon: typeof IconList; text: string }) {
  return (
    <span className={classes.layout}>
      <Icon size={16} aria-hidden />
      {text}
    </span>
  );
}

const TYPING_MS = 400;

function BatchInput({ batch, onBatch }: { batch: string; onBatch: (batch: string) => void }) {
  const { t } = useTranslation("history");
  const [typed, setTyped] = useState(batch);
  useEffect(() => setTyped(batch), [batch]);
  const tell = useDebouncedCallback(onBatch, TYPING_MS);
  return (
    <TextInput
      label={t(($) => $.filter.batch)}
      placeholder={t(($) => $.filter.any)}
      value={typed}
      maxLength={64}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        tell(event.currentTarget.value.trim());
      }}
    />
  );
}
