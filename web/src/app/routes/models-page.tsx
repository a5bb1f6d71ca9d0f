import { Stack, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconTopologyStar3 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { problemOf } from "@/api/http";
import { modelsOptions, referenceOf } from "@/api/models";
import { PageLoading } from "@/app/layout/page-loading";
import { EmptyState } from "@/components/ui/empty-state";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { ModelCard } from "@/features/models/components/model-card";

/** The models that can be asked, and what they say of themselves. */
export function ModelsPage() {
  const { t } = useTranslation("models");
  const { t: tc } = useTranslation();
  useDocumentTitle(`${t(($) => $.title)} · ${tc(($) => $.app.name)}`);
  const { data, error, isPending, refetch } = useQuery({
    ...modelsOptions,
    refetchOnMount: "always",
    refetchOnWindowFocus: true,
  });
  return (
    <Stack gap="lg" maw={1100} mx="auto">
      <Title order={1} size="h3">
        {t(($) => $.title)}
      </Title>
      {error && <ProblemAlert problem={problemOf(error)} onRetry={() => void refetch()} />}
      {isPending && !error && <PageLoading />}
      {data?.items.length === 0 && (
        <EmptyState
          icon={<IconTopologyStar3 size={40} stroke={1.4} />}
          title={t(($) => $.empty.title)}
          hint={t(($) => $.empty.hint)}
        />
      )}
      {data?.items.map((card) => (
        <ModelCard
          key={referenceOf(card)}
          card={card}
          isDefault={referenceOf(card) === data.default}
        />
      ))}
    </Stack>
  );
}
