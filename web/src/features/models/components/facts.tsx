import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/lib/format/use-format";
import classes from "./model-card.module.css";

/** What a card tells by names of its own: figures that were measured, where it comes from. */
export function Facts({ title, facts }: { title: string; facts: Record<string, unknown> }) {
  const { t, i18n } = useTranslation("models");
  const format = useFormat();
  const entries = Object.entries(facts);
  if (entries.length === 0) {
    return null;
  }
  const nameOf = (name: string) => {
    const known = i18n.exists(`fact.${name}`, { ns: "models" }) ? (name as "machine") : undefined;
    return known ? t(($) => $.fact[known]) : name.replaceAll("_", " ");
  };
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        {title}
      </Text>
      <dl className={classes.facts}>
        {entries.map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{nameOf(name)}</dt>
            <dd className={typeof value === "number" ? "tabular" : undefined}>
              {typeof value === "number" ? format.number(value, 4) : String(value)}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
