import { MultiSelect, NumberInput, Select, Switch, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { fold } from "@/lib/format/fold";
import { useLanguage } from "@/lib/i18n/use-language";
import type { Field, ParameterValue } from "./schema";

interface ParameterInputProps {
  field: Field;
  value: ParameterValue;
  onChange: (value: ParameterValue) => void;
}

/** The input of one parameter, of the kind that its schema asks for. */
export function ParameterInput({ field, value, onChange }: ParameterInputProps) {
  const text = useParameterText(field);
  const [language] = useLanguage();
  switch (field.kind) {
    case "number":
      return (
        <NumberInput
          {...text}
          value={typeof value === "number" ? value : ""}
          onChange={(entered) => onChange(typeof entered === "number" ? entered : field.initial)}
          {...(field.least === undefined ? {} : { min: field.least })}
          {...(field.most === undefined ? {} : { max: field.most })}
          step={field.whole ? 1 : 0.05}
          decimalScale={field.whole ? 0 : 4}
          decimalSeparator={language === "vi" ? "," : "."}
          clampBehavior="blur"
        />
      );
    case "boolean":
      return (
        <Switch
          {...text}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <Select
          {...text}
          data={field.options}
          value={typeof value === "string" ? value : null}
          onChange={onChange}
        />
      );
    case "choices":
      return (
        <MultiSelect
          {...text}
          data={field.options}
          value={Array.isArray(value) ? value : []}
          onChange={(chosen) => onChange(chosen.length > 0 ? chosen : null)}
          filter={({ options, search }) =>
            options.filter(
              (option) => "value" in option && fold(option.label).includes(fold(search)),
            )
          }
          searchable
          clearable
          limit={100}
          maxDropdownHeight={240}
        />
      );
    case "text":
      return (
        <TextInput
          {...text}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => onChange(event.currentTarget.value || null)}
        />
      );
  }
}

/** A parameter's name and hint: ours where we know it, else what the schema says. */
function useParameterText({ name, description }: Field) {
  const { t, i18n } = useTranslation();
  const known = i18n.exists(`model.parameter.${name}`) ? (name as "classes") : undefined;
  return {
    label: known ? t(($) => $.model.parameter[known]) : name,
    description: known ? t(($) => $.model.parameterHint[known]) : description,
  };
}
