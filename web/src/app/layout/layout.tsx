import { AppShell, Group } from "@mantine/core";
import { IconApi } from "@tabler/icons-react";
import { type ReactNode, Suspense, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Outlet, useLocation, useNavigationType } from "react-router";
import { LanguageSelect } from "@/components/ui/language-select";
import { ThemeSelect } from "@/components/ui/theme-select";
import classes from "./layout.module.css";
import { LiveIndicator } from "./live-indicator";
import { PageBoundary } from "./page-boundary";
import { PageLoading } from "./page-loading";
import { PAGES } from "./pages";

/** What is around every page: the way to the others, and how the page hears of changes. */
export function Layout({ account }: { account: ReactNode }) {
  const { t } = useTranslation();
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  useStartOfPage(main, pathname);
  return (
    <AppShell header={{ height: 52 }} footer={{ height: { base: 58, sm: 0 } }} padding={0}>
      <a className={classes.skip} href="#main">
        {t(($) => $.app.skip)}
      </a>
      <AppShell.Header className={classes.header}>
        <Link to="/" className={classes.brand}>
          <img src="/favicon.svg" alt="" width={22} height={22} />
          {t(($) => $.app.name)}
        </Link>
        <nav aria-label={t(($) => $.nav.label)} className={classes.wide}>
          {PAGES.map(({ path, name }) => (
            <NavLink key={path} to={path} end={path === "/"} className={classes.link ?? ""}>
              {t(($) => $.nav[name])}
            </NavLink>
          ))}
          <a href="/api/docs" className={classes.link}>
            {t(($) => $.nav.docs)}
          </a>
        </nav>
        <Group gap={2} ml="auto" wrap="nowrap">
          <LiveIndicator />
          <LanguageSelect />
          <ThemeSelect />
          {account}
        </Group>
      </AppShell.Header>
      <AppShell.Main id="main" ref={main} tabIndex={-1} className={classes.main}>
        <div className={classes.content}>
          <PageBoundary key={pathname.split("/")[1]}>
            <Suspense fallback={<PageLoading />}>
              <Outlet />
            </Suspense>
          </PageBoundary>
        </div>
      </AppShell.Main>
      <AppShell.Footer hiddenFrom="sm" className={classes.footer}>
        <nav aria-label={t(($) => $.nav.label)} className={classes.tabs}>
          {PAGES.map(({ path, name, icon: Icon }) => (
            <NavLink key={path} to={path} end={path === "/"} className={classes.tab ?? ""}>
              <Icon size={20} stroke={1.7} aria-hidden />
              {t(($) => $.nav[name])}
            </NavLink>
          ))}
          <a href="/api/docs" className={classes.tab} aria-label={t(($) => $.nav.docs)}>
            <IconApi size={20} stroke={1.7} aria-hidden />
            {t(($) => $.nav.docsShort)}
          </a>
        </nav>
      </AppShell.Footer>
    </AppShell>
  );
}

/** Takes focus and view to the start of a new page, as a browser does for a page that it loads. */
function useStartOfPage(main: React.RefObject<HTMLElement | null>, pathname: string): void {
  const shown = useRef(pathname);
  const type = useNavigationType();
  useEffect(() => {
    if (shown.current === pathname) {
      return;
    }
    shown.current = pathname;
    main.current?.focus({ preventScroll: true });
    if (type !== "POP") {
      window.scrollTo(0, 0);
    }
  }, [pathname, type, main]);
}
