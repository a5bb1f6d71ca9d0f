import { Button, Group, Select, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { webhooksRedeliver } from "@/api/generated/sdk.gen";
import type { Delivery, DeliveryState } from "@/api/generated/types.gen";
import { answer, problemOf } from "@/api/http";
import { MoreButton } from "@/components/ui/more-button";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { useDeliveries, useRefresh } from "../api/use-deliveries";
import { DeliveryItem } from "./delivery-item";
import { DisabledUrls } from "./disabled-urls";
import classes from "./rows.module.css";
import { Section } from "./section";
import { SectionLoading } from "./section-loading";

const STATES: readonly DeliveryState[] = ["pending", "delivered", "given_up", "disabled"];
const ALL = "all";

/** What became of webhooks. */
export function DeliveriesSection() {
  const { t } = useTranslation("account");
  const [state, setState] = useState<DeliveryState | null>(null);
  const [announcement, setAnnouncement] = useState("");
  const list = useDeliveries(state);
  const refresh = useRefresh();
  const again = useMutation({
    mutationFn: ({ task_id }: Delivery) => answer(webhooksRedeliver({ path: { task_id } })),
    onSuccess: (_, { url }) => setAnnouncement(t(($) => $.deliveries.sentAgain, { url })),
    onSettled: refresh,
  });
  return (
    <Section
      title={t(($) => $.deliveries.title)}
      hint={t(($) => $.deliveries.hint)}
      announcement={announcement}
      actions={<Filter state={state} onState={setState} onRefresh={refresh} />}
    >
      {list.data && (
        <DisabledUrls onEnabled={(url) => setAnnouncement(t(($) => $.disabled.enabled, { url }))} />
      )}
      {list.isPending && !list.error && <SectionLoading />}
      {list.error && (
        <ProblemAlert problem={problemOf(list.error)} onRetry={() => void list.refetch()} />
      )}
      {again.error && <ProblemAlert problem={problemOf(again.error)} />}
      {list.data && list.items.length === 0 && (
        <Nothing narrowed={state !== null} more={list.hasNextPage} />
      )}
      {list.items.length > 0 && (
        <ul className={classes.rows}>
          {list.items.map((delivery) => (
            <DeliveryItem
              key={delivery.task_id}
              delivery={delivery}
              busy={again.isPending && again.variables.task_id === delivery.task_id}
              onAgain={() => again.mutate(delivery)}
            />
          ))}
        </ul>
      )}
      <MoreButton list={list} />
    </Section>
  );
}

interface FilterProps {
  state: DeliveryState | null;
  onState: (state: DeliveryState | null) => void;
  onRefresh: () => void;
}

function Filter({ state, onState, onRefresh }: FilterProps) {
  const { t } = useTranslation("account");
  return (
    <Group gap="xs" wrap="nowrap">
      <Select
        size="xs"
        w={150}
        aria-label={t(($) => $.deliveries.filter)}
        data={[
          { value: ALL, label: t(($) => $.deliveries.all) },
          ...STATES.map((value) => ({ value, label: t(($) => $.deliveryState[value]) })),
        ]}
        value={state ?? ALL}
        onChange={(chosen) => onState(STATES.find((one) => one === chosen) ?? null)}
        allowDeselect={false}
      />
      <Button
        variant="default"
        size="xs"
        leftSection={<IconRefresh size={14} aria-hidden />}
        onClick={onRefresh}
      >
        {t(($) => $.deliveries.refresh)}
      </Button>
    </Group>
  );
}

function Nothing({ narrowed, more }: { narrowed: boolean; more: boolean }) {
  const { t } = useTranslation("account");
  return (
    <Text size="sm" c="dimmed">
      {more
        ? t(($) => $.deliveries.noneYet)
        : narrowed
          ? t(($) => $.deliveries.none)
          : t(($) => $.deliveries.empty)}
    </Text>
  );
}
