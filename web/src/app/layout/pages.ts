import {
  IconHistory,
  IconPhotoSearch,
  IconStack2,
  IconTopologyStar3,
  IconUserCircle,
} from "@tabler/icons-react";

/** The pages that the navigation leads to. */
export const PAGES = [
  { path: "/", name: "predict", icon: IconPhotoSearch },
  { path: "/history", name: "history", icon: IconHistory },
  { path: "/queue", name: "queue", icon: IconStack2 },
  { path: "/models", name: "models", icon: IconTopologyStar3 },
  { path: "/account", name: "account", icon: IconUserCircle },
] as const;
