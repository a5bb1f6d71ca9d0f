import { Loader, Text } from "@mantine/core";
import { IconAlertTriangle, IconBan, IconCircleCheck, IconClockHour4 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { State } from "@/api/generated/types.gen";
import classes from "./state-badge.module.css";

const ICONS = {
  queued: IconClockHour4,
  succeeded: IconCircleCheck,
  failed: IconAlertTriangle,
  canceled: IconBan,
};

interface StateIconProps {
  state: State;
  size?: number;
}

/** A prediction's state as a sign; told in words beside it, or in the name of what holds it. */
export function StateIcon({ state, size = 16 }: StateIconProps) {
  if (state === "running") {
    return <Loader size={size} aria-hidden />;
  }
  const Icon = ICONS[state];
  return <Icon size={size} className={classes.icon} data-state={state} aria-hidden />;
}

/** A prediction's state as a sign and a word. */
export function StateBadge({ state }: { state: State }) {
  const { t } = useTranslation();
  return (
    <span className={classes.badge}>
      <StateIcon state={state} />
      <Text span size="sm">
        {t(($) => $.state[state])}
      </Text>
    </span>
  );
}
