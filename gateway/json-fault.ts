/** Longer texts are not searched: what a fault costs must not grow with what a caller sends. */
const maxSearched = 16_384;

/**
 * Where JSON text stops being JSON, as an index of its characters; undefined when the platform does not tell and the
 * text is long.
 *
 * @param message of the error that `JSON.parse` threw for it
 */
export function faultPosition(text: string, message: string): number | undefined {
  const told = toldPosition(message);
  if (told !== undefined) return told;
  if (isCutOff(message, text.length)) return text.length;
  if (text.length > maxSearched) return undefined;
  // Every beginning up to the fault could still become JSON, none beyond it can.
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (couldBecomeJson(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function couldBecomeJson(start: string): boolean {
  try {
    JSON.parse(start);
    return true;
  } catch (error) {
    return isCutOff(error instanceof Error ? error.message : '', start.length);
  }
}

function isCutOff(message: string, length: number): boolean {
  return /end of JSON input|^Unterminated/.test(message) || toldPosition(message) === length;
}

function toldPosition(message: string): number | undefined {
  const match = /at position (\d+)/.exec(message);
  return match === null ? undefined : Number(match[1]);
}
