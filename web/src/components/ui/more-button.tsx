import { Button, Center, type MantineSpacing } from "@mantine/core";
import { useTranslation } from "react-i18next";

interface MoreButtonProps {
  /** A list that comes page by page, as TanStack Query tells of it. */
  list: {
    hasNextPage: boolean;
    isFetchingNextPage: boolean;
    fetchNextPage: () => Promise<unknown>;
  };
  /** Room below it. */
  pb?: MantineSpacing;
}

/** Asks for the next page of a list; nothing where there is none. */
export function MoreButton({ list, pb = 0 }: MoreButtonProps) {
  const { t } = useTranslation();
  return (
    list.hasNextPage && (
      <Center pb={pb}>
        <Button
          variant="default"
          loading={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t(($) => $.action.more)}
        </Button>
      </Center>
    )
  );
}
