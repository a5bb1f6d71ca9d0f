/** A size in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** The largest size of a picture's shape that fits into a space. */
export function fitted(picture: Size, space: Size): Size {
  const scale = Math.min(space.width / picture.width, space.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}

const SHOWN_BY_BROWSERS = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"];

/** Whether browsers can show a picture of this type themselves. */
export function isShownByBrowsers(mediaType: string): boolean {
  return SHOWN_BY_BROWSERS.includes(mediaType);
}

/** Which of the server's pictures is sharp enough where `pixels` of the longer side are on the screen. */
export function sourceFor(
  pixels: number,
  natural: number,
  original: boolean,
): 1280 | 2560 | "original" {
  const wanted = Math.min(pixels, natural);
  if (wanted <= 1280) {
    return 1280;
  }
  return wanted <= 2560 || !original ? 2560 : "original";
}
