/** Draws the pictures of the gallery into `folder` unless they are there; gives the folder with the PNG files. */
export function drawGallery(folder: string, progress: (done: number, total: number) => void): Promise<string>;
