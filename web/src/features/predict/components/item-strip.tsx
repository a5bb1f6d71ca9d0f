import { RingProgress, UnstyledButton } from "@mantine/core";
import { IconAlertTriangle, IconClockPause, IconPhotoUp } from "@tabler/icons-react";
import { memo, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { isTerminal } from "@/api/filters";
import { Picture } from "@/components/prediction/picture";
import { StateIcon } from "@/components/prediction/state-badge";
import type { Item } from "../lib/items";
import classes from "./item-strip.module.css";

interface ItemStripProps {
  items: Item[];
  selected: string | undefined;
  onSelect: (id: string) => void;
}

/** The inputs of this page, small, in the order of their drop; a click shows one. */
export const ItemStrip = memo(function ItemStrip(props: ItemStripProps) {
  const { items, selected, onSelect } = props;
  const { t } = useTranslation("predict");
  const strip = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new selection is what scrolls
  useEffect(() => {
    const current = strip.current?.querySelector('[aria-current="true"]');
    current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [selected]);
  return (
    <nav ref={strip} className={classes.strip} aria-label={t(($) => $.strip.label)}>
      {items.map((item) => (
        <StripItem key={item.id} item={item} current={item.id === selected} onSelect={onSelect} />
      ))}
    </nav>
  );
});

interface StripItemProps {
  item: Item;
  current: boolean;
  onSelect: (id: string) => void;
}

// An upload is a new object at each step it makes; its file and its state are all that shows.
const StripItem = memo(StripItemView, (one, other) => {
  return (
    one.current === other.current &&
    one.item.prediction === other.item.prediction &&
    one.item.upload === other.item.upload
  );
});

function StripItemView({ item, current, onSelect }: StripItemProps) {
  const { t } = useTranslation("predict");
  const { t: tc } = useTranslation();
  const state = item.prediction
    ? tc(($) => $.state[item.prediction.state])
    : t(($) => $.strip[item.upload.state]);
  const name = item.name ?? tc(($) => $.picture.unnamed);
  return (
    <UnstyledButton
      className={classes.item}
      aria-label={`${name}, ${state}`}
      aria-current={current}
      title={name}
      onClick={() => onSelect(item.id)}
    >
      {item.prediction ? (
        <Accepted prediction={item.prediction} />
      ) : (
        <Sending upload={item.upload} />
      )}
    </UnstyledButton>
  );
}

function Accepted({ prediction }: { prediction: NonNullable<Item["prediction"]> }) {
  const settled = prediction.state === "succeeded";
  return (
    <>
      <Picture prediction={prediction} maxSide={320} alt="" />
      {!settled && (
        <span className={isTerminal(prediction) ? classes.sign : classes.veil}>
          <StateIcon state={prediction.state} size={20} />
        </span>
      )}
    </>
  );
}

function Sending({ upload }: { upload: NonNullable<Item["upload"]> }) {
  switch (upload.state) {
    case "sending":
      return (
        <RingProgress
          size={40}
          thickness={4}
          sections={[{ value: upload.share * 100, color: "blue" }]}
          aria-hidden
        />
      );
    case "refused":
      return <IconAlertTriangle size={22} color="var(--state-failed)" aria-hidden />;
    case "waiting":
      return upload.share > 0 ? (
        <IconClockPause size={22} aria-hidden />
      ) : (
        <IconPhotoUp size={22} stroke={1.5} aria-hidden />
      );
  }
}
