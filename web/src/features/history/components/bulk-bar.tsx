import { Button, Group, Menu, Paper, Text, Transition } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { exportPath, FORMATS } from "@/api/exports";
import { predictionsDeleteMany } from "@/api/generated/sdk.gen";
import { answer, problemOf } from "@/api/http";
import { useLive } from "@/api/live/live-provider";
import { ConfirmButton } from "@/components/ui/confirm-button";
import { DownloadMenu } from "@/components/ui/download-menu";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { useFormat } from "@/lib/format/use-format";
import type { Selection } from "../hooks/use-selection";
import classes from "./bulk-bar.module.css";

/** What can be done with all that is chosen. */
export function BulkBar({ selection }: { selection: Selection }) {
  const { t } = useTranslation("history");
  const { t: tc } = useTranslation();
  const format = useFormat();
  const { cache } = useLive();
  const { ids } = selection;
  const remove = useMutation({
    mutationFn: () => answer(predictionsDeleteMany({ body: { ids } })),
    onSuccess: () => {
      for (const task_id of ids) {
        cache.onEvent({ event: "deleted", data: { task_id } });
      }
      selection.none();
    },
  });
  return (
    <Transition mounted={ids.length > 0} transition="slide-up">
      {(style) => (
        <Paper withBorder shadow="md" p="xs" className={classes.bar ?? ""} style={style}>
          <Group gap="sm" justify="center">
            <Text size="sm" role="status" className="tabular">
              {t(($) => $.bulk.chosen, { count: ids.length, number: format.number(ids.length) })}
            </Text>
            <ExportMenu ids={ids} />
            <ConfirmButton
              icon={<IconTrash size={14} aria-hidden />}
              label={tc(($) => $.action.delete)}
              question={t(($) => $.bulk.deleteQuestion, {
                count: ids.length,
                number: format.number(ids.length),
              })}
              busy={remove.isPending}
              onConfirm={() => remove.mutate()}
            />
            <Button size="compact-sm" variant="subtle" onClick={selection.none}>
              {tc(($) => $.action.clear)}
            </Button>
          </Group>
          {remove.error && <ProblemAlert problem={problemOf(remove.error)} />}
        </Paper>
      )}
    </Transition>
  );
}

function ExportMenu({ ids }: { ids: readonly string[] }) {
  const { t } = useTranslation("history");
  return (
    <DownloadMenu position="top" label={t(($) => $.bulk.export)}>
      {FORMATS.map(({ format, name }) => (
        <Menu.Item key={format} component="a" href={exportPath(format, { ids })} download>
          {name}
        </Menu.Item>
      ))}
      <Menu.Divider />
      <Menu.Label>{t(($) => $.bulk.withPictures)}</Menu.Label>
      {FORMATS.filter(({ pictures }) => pictures).map(({ format, name }) => (
        <Menu.Item
          key={format}
          component="a"
          href={exportPath(format, { ids, pictures: true })}
          download
        >
          {name}
        </Menu.Item>
      ))}
    </DownloadMenu>
  );
}
