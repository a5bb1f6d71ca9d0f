import { Button, Group, Stack, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconFilterOff, IconPhotoPlus } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { problemOf } from "@/api/http";
import { modelsOptions } from "@/api/models";
import { itemsOf, predictionsOptions } from "@/api/predictions";
import { PageLoading } from "@/app/layout/page-loading";
import { EmptyState } from "@/components/ui/empty-state";
import { MoreButton } from "@/components/ui/more-button";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { BulkBar } from "@/features/history/components/bulk-bar";
import { FilterBar } from "@/features/history/components/filter-bar";
import { Gallery } from "@/features/history/components/gallery";
import { HistoryTable } from "@/features/history/components/history-table";
import { useSelection } from "@/features/history/hooks/use-selection";
import { filterOf, isNarrowed, readSearch, writeSearch } from "@/features/history/lib/search";

/** All that was predicted and is still kept. */
export function HistoryPage() {
  const { t } = useTranslation("history");
  const { t: tc } = useTranslation();
  useDocumentTitle(`${t(($) => $.title)} · ${tc(($) => $.app.name)}`);
  const [params, setParams] = useSearchParams();
  const search = readSearch(params);
  const { data: models } = useQuery(modelsOptions);
  const list = useInfiniteQuery(predictionsOptions(filterOf(params)));
  const items = useMemo(() => itemsOf(list.data), [list.data]);
  const selection = useSelection(items);
  const shared = { items, selection, search: params.toString() };
  return (
    <Stack gap="lg">
      <Title order={1} size="h3">
        {t(($) => $.title)}
      </Title>
      <FilterBar
        search={search}
        onSearch={(next) => setParams(writeSearch(next), { replace: true })}
        cards={models?.items ?? []}
      />
      {list.error && (
        <ProblemAlert problem={problemOf(list.error)} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && !list.error && <PageLoading />}
      {list.data && items.length === 0 && !list.hasNextPage && (
        <Nothing narrowed={isNarrowed(search)} onClear={() => setParams({})} />
      )}
      {items.length > 0 &&
        (search.layout === "table" ? <HistoryTable {...shared} /> : <Gallery {...shared} />)}
      <MoreButton list={list} pb="xl" />
      <BulkBar selection={selection} />
    </Stack>
  );
}

function Nothing({ narrowed, onClear }: { narrowed: boolean; onClear: () => void }) {
  const { t } = useTranslation("history");
  return narrowed ? (
    <EmptyState
      icon={<IconFilterOff size={40} stroke={1.4} />}
      title={t(($) => $.nothing.title)}
      hint={t(($) => $.nothing.hint)}
    >
      <Button mt="sm" variant="default" onClick={onClear}>
        {t(($) => $.nothing.action)}
      </Button>
    </EmptyState>
  ) : (
    <EmptyState
      icon={<IconPhotoPlus size={40} stroke={1.4} />}
      title={t(($) => $.empty.title)}
      hint={t(($) => $.empty.hint)}
    >
      <Group mt="sm">
        <Button component={Link} to="/">
          {t(($) => $.empty.action)}
        </Button>
      </Group>
    </EmptyState>
  );
}
