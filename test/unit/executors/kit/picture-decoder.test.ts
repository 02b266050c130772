import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { PictureDecoder, type PictureSettings } from '../../../../executors/kit/index.ts';

const plain: PictureSettings = {
  width: 8,
  height: 8,
  fit: 'crop',
  shortest: 8,
  filter: 'bicubic',
  alpha: 'dropped',
  rescale: 1,
  mean: [0, 0, 0],
  spread: [1, 1, 1],
};

function decoder(picture: Partial<PictureSettings> = {}, maxPixels = 1e6): PictureDecoder {
  return new PictureDecoder({ picture: { ...plain, ...picture }, maxPixels, parallel: 2 });
}

function colour(width: number, height: number, background: string): Sharp {
  return sharp({ create: { width, height, channels: 4, background } });
}

/** Red, green and blue at a place of [3, 8, 8] values. */
function at(values: Float32Array, row: number, column: number): number[] {
  return [0, 1, 2].map((channel) => values[channel * 64 + row * 8 + column] ?? NaN);
}

describe('PictureDecoder', () => {
  for (const format of ['png', 'webp', 'gif', 'tiff', 'jpeg', 'avif'] as const) {
    it(`reads ${format}`, async () => {
      const bytes = await colour(20, 10, '#ff0000').toFormat(format, { quality: 100 }).toBuffer();
      const [red = 0, green = 255, blue = 255] = at(await decoder().decode(bytes), 4, 4);
      assert.ok(red > 250 && green < 6 && blue < 6, `${red}, ${green}, ${blue}`);
    });
  }

  it('reads grey, 16-bit and CMYK pictures as red, green and blue', async () => {
    const grey = await colour(8, 8, '#808080').toColourspace('b-w').png().toBuffer();
    const deep = await colour(8, 8, '#0000ff').toColourspace('rgb16').png().toBuffer();
    const inks = await colour(8, 8, '#ffffff').flatten().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    assert.deepEqual(at(await decoder().decode(grey), 1, 1), [128, 128, 128]);
    assert.deepEqual(at(await decoder().decode(deep), 1, 1), [0, 0, 255]);
    assert.ok(at(await decoder().decode(inks), 1, 1).every((value) => value > 245));
  });

  it('scales and normalises each colour as the model says', async () => {
    const bytes = await colour(8, 8, '#ff8000').png().toBuffer();
    const settings = { rescale: 1 / 255, mean: [0.5, 0.25, 0], spread: [0.5, 0.25, 2] };
    const [red, green, blue] = at(await decoder(settings).decode(bytes), 0, 0);
    assert.ok(Math.abs((red ?? 0) - 1) < 1e-6);
    assert.ok(Math.abs((green ?? 0) - (128 / 255 - 0.25) / 0.25) < 1e-6);
    assert.equal(blue, 0);
  });

  it('cuts the middle out of a wide picture, or keeps all of it on white, or stretches it', async () => {
    const blue = { input: await colour(8, 8, '#0000ff').png().toBuffer(), left: 8, top: 0 };
    const wide = await colour(24, 8, '#ff0000').composite([blue]).png().toBuffer();
    const cropped = await decoder().decode(wide);
    assert.deepEqual(at(cropped, 4, 0), [0, 0, 255]);
    assert.deepEqual(at(cropped, 4, 7), [0, 0, 255]);
    const contained = await decoder({ fit: 'contain' }).decode(wide);
    assert.deepEqual(at(contained, 0, 4), [255, 255, 255]);
    assert.deepEqual(at(contained, 4, 0), [255, 0, 0]);
    const stretched = await decoder({ fit: 'stretch' }).decode(wide);
    assert.deepEqual(at(stretched, 0, 0), [255, 0, 0]);
    assert.deepEqual(at(stretched, 7, 4), [0, 0, 255]);
  });

  it('puts transparent places on white or takes the colours below them, as the model was trained', async () => {
    const clear = await colour(8, 8, '#00ff0000').png().toBuffer();
    assert.deepEqual(at(await decoder({ alpha: 'white' }).decode(clear), 2, 2), [255, 255, 255]);
    assert.deepEqual(at(await decoder().decode(clear), 2, 2), [0, 255, 0]);
  });

  it('turns a photo as its camera was held', async () => {
    const top = { input: await colour(8, 4, '#0000ff').png().toBuffer(), left: 0, top: 0 };
    const photo = colour(8, 8, '#ff0000').composite([top]).png();
    const turned = await sharp(await photo.toBuffer())
      .withMetadata({ orientation: 3 })
      .png()
      .toBuffer();
    assert.deepEqual(at(await decoder().decode(turned), 7, 4), [0, 0, 255]);
  });

  it('shrinks a picture that is much larger than the input', async () => {
    const large = await colour(900, 700, '#336699').png().toBuffer();
    assert.deepEqual(at(await decoder().decode(large), 3, 3), [0x33, 0x66, 0x99]);
  });

  it('refuses a picture with more pixels than are allowed before it is decoded', async () => {
    const bytes = await colour(1001, 1000, '#ffffff').png().toBuffer();
    await assert.rejects(decoder().decode(bytes), {
      reason: 'invalid_argument',
      message: /at most 1000000 pixels \(max_pixels\), got 1001 x 1000/,
    });
  });

  for (const { name, bytes } of [
    { name: 'text', bytes: Buffer.from('hello') },
    { name: 'a drawing', bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>') },
    { name: 'nothing', bytes: Buffer.alloc(0) },
  ]) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(decoder().decode(bytes), { reason: 'invalid_argument', message: /expected a picture/ });
    });
  }

  it('refuses a picture of which the end is missing', async () => {
    const bytes = await colour(300, 300, '#ff0000').jpeg().toBuffer();
    await assert.rejects(decoder().decode(bytes.subarray(0, bytes.length / 2)), {
      reason: 'invalid_argument',
      message: /bytes that cannot be decoded/,
    });
  });
});
