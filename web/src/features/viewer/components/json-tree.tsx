import { Code, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { DownloadButton } from "@/components/ui/download-button";
import { useFormat } from "@/lib/format/use-format";
import { entriesOf, isVector } from "../lib/json";
import classes from "./json-tree.module.css";

const OPEN_DEPTH = 2;

interface JsonTreeProps {
  value: unknown;
  name?: string | undefined;
  depth?: number;
}

/** A JSON value as a tree whose branches fold; a long list of numbers is told by its length. */
export function JsonTree({ value, name, depth = 0 }: JsonTreeProps) {
  const { t } = useTranslation("viewer");
  const format = useFormat();
  if (isVector(value)) {
    return <Vector name={name} value={value} />;
  }
  const entries = entriesOf(value);
  if (!entries) {
    return (
      <div className={classes.leaf}>
        <Name name={name} />
        <Code>{JSON.stringify(value)}</Code>
      </div>
    );
  }
  const isList = Array.isArray(value);
  return (
    <details className={classes.branch} open={depth < OPEN_DEPTH}>
      <summary>
        <Name name={name} />
        <Text span size="xs" c="dimmed">
          {isList
            ? t(($) => $.json.list, {
                count: entries.length,
                number: format.number(entries.length),
              })
            : t(($) => $.json.object, {
                count: entries.length,
                number: format.number(entries.length),
              })}
        </Text>
      </summary>
      {entries.map(([key, child]) => (
        <JsonTree key={key} name={key} value={child} depth={depth + 1} />
      ))}
    </details>
  );
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : <span className={classes.name}>{name}</span>;
}

function Vector({ name, value }: { name: string | undefined; value: number[] }) {
  const { t } = useTranslation("viewer");
  const format = useFormat();
  return (
    <Group gap="xs" className={classes.leaf ?? ""}>
      <Name name={name} />
      <Text span size="sm">
        {t(($) => $.json.vector, { number: format.number(value.length) })}
      </Text>
      <DownloadButton
        name={`${name ?? "vector"}.json`}
        text={JSON.stringify(value)}
        type="application/json"
      >
        JSON
      </DownloadButton>
    </Group>
  );
}
