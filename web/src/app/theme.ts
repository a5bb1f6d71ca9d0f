import { createTheme, Menu, Select, Tooltip } from "@mantine/core";

const FONT =
  '"Noto Sans Variable", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** How the page looks; the letters are those that the server draws on pictures. */
export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: FONT,
  headings: { fontFamily: FONT, fontWeight: "650" },
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace',
  components: {
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 400, withArrow: true } }),
    Menu: Menu.extend({ defaultProps: { shadow: "md" } }),
    Select: Select.extend({ defaultProps: { checkIconPosition: "right" } }),
  },
});
