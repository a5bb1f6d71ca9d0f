import { Component, type ErrorInfo, type ReactNode } from "react";
import { PageFailed } from "./page-failed";

interface PageBoundaryProps {
  children: ReactNode;
}

interface PageBoundaryState {
  error: unknown;
}

/** Keeps a page that fails (its code did not load, or a fault of ours) from taking all else with it. */
export class PageBoundary extends Component<PageBoundaryProps, PageBoundaryState> {
  override state: PageBoundaryState = { error: null };

  static getDerivedStateFromError(error: unknown): PageBoundaryState {
    return { error };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    // The only place where such a fault can be looked up.
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error === null ? this.props.children : <PageFailed error={error} />;
  }
}
