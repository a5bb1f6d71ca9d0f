import { Text } from "@mantine/core";
import { IconAlertTriangle, IconBan, IconCircleCheck, IconClockHour4 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { DeliveryState } from "@/api/generated/types.gen";
import classes from "./delivery-badge.module.css";

const ICONS = {
  pending: IconClockHour4,
  delivered: IconCircleCheck,
  given_up: IconAlertTriangle,
  disabled: IconBan,
};

/** A delivery's state as a sign and a word. */
export function DeliveryBadge({ state }: { state: DeliveryState }) {
  const { t } = useTranslation("account");
  const Icon = ICONS[state];
  return (
    <Text span size="sm" className={classes.badge ?? ""}>
      <Icon size={16} className={classes.icon} data-state={state} aria-hidden />
      {t(($) => $.deliveryState[state])}
    </Text>
  );
}
