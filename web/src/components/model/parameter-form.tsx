import { Stack } from "@mantine/core";
import { ParameterInput } from "./parameter-input";
import type { Field, ParameterValues } from "./schema";

interface ParameterFormProps {
  fields: Field[];
  values: ParameterValues;
  onChange: (values: ParameterValues) => void;
}

/** A form made of a model's parameter schema. */
export function ParameterForm({ fields, values, onChange }: ParameterFormProps) {
  return (
    <Stack gap="md">
      {fields.map((field) => (
        <ParameterInput
          key={field.name}
          field={field}
          value={values[field.name] ?? field.initial}
          onChange={(value) => onChange({ ...values, [field.name]: value })}
        />
      ))}
    </Stack>
  );
}
