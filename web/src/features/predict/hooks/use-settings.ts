import { useLocalStorage } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { ModelCard } from "@/api/generated/types.gen";
import { cardOf, LEAST_SCORE, modelsOptions, referenceOf } from "@/api/models";
import {
  changedFrom,
  type Field,
  fieldsOf,
  type ParameterValues,
  toPairs,
} from "@/components/model/schema";

/** The slider's own: nothing that is set before sending. */
const SLIDER = "score_threshold";

export interface Settings {
  cards: ModelCard[] | undefined;
  card: ModelCard | undefined;
  choose: (reference: string) => void;
  fields: Field[];
  values: ParameterValues;
  setValues: (values: ParameterValues) => void;
  /** Whether something differs from the defaults. */
  changed: boolean;
}

/** The model and its parameters for what is dropped next; the model is remembered. */
export function useSettings(): Settings {
  const { data } = useQuery(modelsOptions);
  const [chosen, setChosen] = useLocalStorage<string | null>({
    key: "inferq.model",
    defaultValue: null,
    getInitialValueInEffect: false,
  });
  const [values, setValues] = useState<ParameterValues>({});
  const card = cardOf(data?.items, chosen) ?? cardOf(data?.items, data?.default);
  const fields = useMemo(
    () => (card ? fieldsOf(card).filter(({ name }) => name !== SLIDER) : []),
    [card],
  );
  return {
    cards: data?.items,
    card,
    choose: setChosen,
    fields,
    values,
    setValues,
    changed: Object.keys(changedFrom(fields, values)).length > 0,
  };
}

/** The form fields of an upload with these settings. */
export function formFields(
  card: ModelCard | undefined,
  values: ParameterValues,
): [string, string][] {
  if (!card) {
    return [];
  }
  const fields = fieldsOf(card);
  const hasScore = fields.some(({ name }) => name === SLIDER);
  return [
    ["model", referenceOf(card)],
    ...(hasScore ? ([[SLIDER, String(LEAST_SCORE)]] as [string, string][]) : []),
    ...toPairs(changedFrom(fields, values)),
  ];
}
