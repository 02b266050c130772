import PQueue from 'p-queue';
import sharp from 'sharp';
import { FlowError } from '../../core/index.ts';
import type { PictureSettings } from './picture-settings.ts';
import { type RawPicture, resample } from './resample.ts';

/** Kinds of pictures that are read, by the names that the decoder has for them; no drawings (SVG) and no documents. */
const formats = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif']);

/**
 * How many times larger than the model's input a picture may be when our own resampling begins; what is larger is
 * shrunk by the decoder's threads first, where the difference from the reference is far below one byte.
 */
const mostOversize = 4;

export interface DecoderSettings {
  readonly picture: PictureSettings;
  /** Most pixels of a picture as it comes. */
  readonly maxPixels: number;
  /** Pictures that are decoded at the same time. */
  readonly parallel: number;
}

/** Encoded pictures to what a picture model reads; decodes in the threads of libvips, beside the model. */
export class PictureDecoder {
  private readonly settings: DecoderSettings;
  private readonly queue: PQueue;

  constructor(settings: DecoderSettings) {
    this.settings = settings;
    this.queue = new PQueue({ concurrency: settings.parallel });
    // One thread for each picture, and nothing kept between them: hardly a picture comes twice.
    sharp.concurrency(1);
    sharp.cache(false);
  }

  /** Shape of one picture's values: [3, height, width]. */
  get shape(): readonly [number, number, number] {
    const { width, height } = this.settings.picture;
    return [3, height, width];
  }

  /**
   * The pixel values of a picture, as the model's `preprocessor_config.json` says; the same numbers as the Python
   * reference, whose resampling is Pillow's.
   *
   * @param picture an encoded picture (JPEG, PNG, WebP, GIF, TIFF, AVIF; the first of an animation), or its raw pixels
   * @returns float32 [3, height, width]
   * @throws `invalid_argument` when the bytes are no such picture, or it has more pixels than are allowed
   */
  async decode(picture: Uint8Array | RawPicture): Promise<Float32Array> {
    return await this.queue.add(async () => {
      const raw = picture instanceof Uint8Array ? await this.open(picture) : picture;
      return this.numbers(this.fitted(raw));
    });
  }

  private async open(bytes: Uint8Array): Promise<RawPicture> {
    const { maxPixels, picture } = this.settings;
    try {
      // The limit is checked below, where the message can say what came.
      const image = sharp(bytes, { limitInputPixels: false, failOn: 'error', autoOrient: true });
      const { format, autoOrient } = await image.metadata();
      if (!formats.has(format)) {
        throw new FlowError('invalid_argument', `expected a picture (${[...formats].join(', ')}), got ${format}`);
      }
      const { width, height } = autoOrient;
      if (width * height > maxPixels) {
        throw new FlowError(
          'invalid_argument',
          `expected a picture of at most ${maxPixels} pixels (max_pixels), got ${width} x ${height}`,
          { details: { limit: maxPixels } },
        );
      }
      const opaque = picture.alpha === 'white' ? image.flatten({ background: '#ffffff' }) : image.removeAlpha();
      const factor = (mostOversize * Math.max(picture.width, picture.height)) / Math.min(width, height);
      const sides = [width, height].map((side) => Math.round(side * factor));
      const sized = factor < 0.5 ? opaque.resize(sides[0], sides[1], { fit: 'fill', fastShrinkOnLoad: false }) : opaque;
      const { data, info } = await sized
        .toColourspace('srgb')
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      return { data, width: info.width, height: info.height };
    } catch (error) {
      throw FlowError.from(error, 'invalid_argument', 'expected a picture, got bytes that cannot be decoded as one');
    }
  }

  /** A picture in the size of the model's input. */
  private fitted(raw: RawPicture): RawPicture {
    const { width, height, fit, shortest, filter } = this.settings.picture;
    switch (fit) {
      case 'stretch':
        return resample(raw, width, height, filter);
      case 'contain': {
        const scale = Math.min(width / raw.width, height / raw.height);
        const across = Math.max(1, Math.round(raw.width * scale));
        const down = Math.max(1, Math.round(raw.height * scale));
        return placed(resample(raw, across, down, filter), width, height);
      }
      case 'crop': {
        // Rounded down, as the reference does it.
        const long = Math.floor((shortest * Math.max(raw.width, raw.height)) / Math.min(raw.width, raw.height));
        const [across, down] = raw.width < raw.height ? [shortest, long] : [long, shortest];
        return placed(resample(raw, across, down, filter), width, height);
      }
    }
  }

  private numbers({ data }: RawPicture): Float32Array {
    const { rescale, mean, spread, width, height } = this.settings.picture;
    const area = width * height;
    const values = new Float32Array(area * 3);
    for (let channel = 0; channel < 3; channel++) {
      const scale = rescale / (spread[channel] ?? 1);
      const shift = -(mean[channel] ?? 0) / (spread[channel] ?? 1);
      const start = channel * area;
      for (let pixel = 0; pixel < area; pixel++) {
        values[start + pixel] = (data[pixel * 3 + channel] ?? 0) * scale + shift;
      }
    }
    return values;
  }
}

/** A picture in the middle of another size: what does not fit is cut off, what is missing is white. */
function placed(picture: RawPicture, width: number, height: number): RawPicture {
  if (picture.width === width && picture.height === height) return picture;
  const data = new Uint8Array(width * height * 3).fill(255);
  const left = Math.trunc((width - picture.width) / 2);
  const top = Math.trunc((height - picture.height) / 2);
  const columns = Math.min(width, picture.width);
  for (let row = 0; row < Math.min(height, picture.height); row++) {
    const from = ((Math.max(0, -top) + row) * picture.width + Math.max(0, -left)) * 3;
    const to = ((Math.max(0, top) + row) * width + Math.max(0, left)) * 3;
    data.set(picture.data.subarray(from, from + columns * 3), to);
  }
  return { data, width, height };
}
