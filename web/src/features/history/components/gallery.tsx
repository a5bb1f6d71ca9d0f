import { Checkbox, Text } from "@mantine/core";
import { memo } from "react";
import { Link } from "react-router";
import type { Prediction } from "@/api/generated/types.gen";
import { Picture } from "@/components/prediction/picture";
import { StateBadge } from "@/components/prediction/state-badge";
import { useFormat } from "@/lib/format/use-format";
import { type EntryProps, useEntry } from "../hooks/use-entry";
import type { Selection } from "../hooks/use-selection";
import classes from "./gallery.module.css";

interface GalleryProps {
  items: readonly Prediction[];
  search: string;
  selection: Selection;
}

/** Predictions as pictures. */
export function Gallery({ items, search, selection }: GalleryProps) {
  return (
    <ul className={classes.gallery}>
      {items.map((prediction) => (
        <GalleryCard
          key={prediction.task_id}
          prediction={prediction}
          search={search}
          selected={selection.has(prediction.task_id)}
          onSelect={selection.toggle}
        />
      ))}
    </ul>
  );
}

const GalleryCard = memo(function GalleryCard(props: EntryProps) {
  const { prediction, selected, onSelect } = props;
  const format = useFormat();
  const { name, summary, path, selectLabel } = useEntry(props);
  return (
    <li className={classes.card} data-selected={selected}>
      <Link to={path} className={classes.link}>
        <span className={classes.frame}>
          <Picture prediction={prediction} maxSide={320} alt="" />
        </span>
        <Text span size="sm" fw={500} truncate className={classes.name ?? ""}>
          {name}
        </Text>
      </Link>
      <span className={classes.meta}>
        {prediction.state === "succeeded" ? (
          <Text span size="xs" c="dimmed" truncate title={summary}>
            {summary}
          </Text>
        ) : (
          <StateBadge state={prediction.state} />
        )}
        <Text
          span
          size="xs"
          c="dimmed"
          className={classes.when ?? ""}
          title={format.moment(prediction.created_at)}
        >
          {format.relative(prediction.created_at)}
        </Text>
      </span>
      <Checkbox
        className={classes.check ?? ""}
        checked={selected}
        onChange={() => onSelect(prediction.task_id)}
        aria-label={selectLabel}
      />
    </li>
  );
});
