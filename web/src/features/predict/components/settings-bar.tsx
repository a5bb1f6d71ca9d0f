import {
  Button,
  Group,
  Indicator,
  Popover,
  ScrollArea,
  Skeleton,
  Stack,
  Text,
} from "@mantine/core";
import { IconAdjustmentsHorizontal } from "@tabler/icons-react";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { referenceOf } from "@/api/models";
import { ModelSelect } from "@/components/model/model-select";
import { lazily } from "@/lib/lazily";
import type { Settings } from "../hooks/use-settings";

const ParameterForm = lazily(
  async () => (await import("@/components/model/parameter-form")).ParameterForm,
);

/** The model for what is dropped next, and the settings of its parameters. */
export function SettingsBar({ settings, compact }: { settings: Settings; compact: boolean }) {
  const { t } = useTranslation();
  const { cards, card, choose, fields, values, setValues, changed } = settings;
  const { t: tp } = useTranslation("predict");
  if (!cards) {
    return null;
  }
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap" miw={0}>
      <ModelSelect
        cards={cards}
        value={card ? referenceOf(card) : null}
        onChange={choose}
        compact={compact}
      />
      {fields.length > 0 && (
        <Popover position="bottom-end" width={340} shadow="md" trapFocus withinPortal>
          <Indicator disabled={!changed} size={8} offset={4}>
            <Popover.Target>
              <Button
                variant="default"
                onMouseEnter={ParameterForm.preload}
                onFocus={ParameterForm.preload}
                size={compact ? "xs" : "sm"}
                leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />}
              >
                {t(($) => $.model.settings)}
              </Button>
            </Popover.Target>
          </Indicator>
          <Popover.Dropdown p={0}>
            <ScrollArea.Autosize mah="70dvh" p="md">
              <Stack gap="md">
                <Text size="sm" c="dimmed">
                  {tp(($) => $.settings.hint)}
                </Text>
                <Suspense fallback={<Skeleton height={240} />}>
                  <ParameterForm fields={fields} values={values} onChange={setValues} />
                </Suspense>
                <Button
                  variant="subtle"
                  size="xs"
                  disabled={!changed}
                  onClick={() => setValues({})}
                >
                  {t(($) => $.model.defaults)}
                </Button>
              </Stack>
            </ScrollArea.Autosize>
          </Popover.Dropdown>
        </Popover>
      )}
    </Group>
  );
}
