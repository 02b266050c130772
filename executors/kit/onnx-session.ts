import { InferenceSession, listSupportedBackends } from 'onnxruntime-node';
import { FlowError } from '../../core/index.ts';
import type { ExecutorContext } from '../sdk/index.ts';

/** A model in ONNX Runtime, and the device that it is on. */
export interface DeviceSession {
  readonly session: InferenceSession;
  /** Such as `cpu` or `cuda:0`. */
  readonly device: string;
}

/** What each device needs beside this package. */
const remedies: Record<string, string> = {
  cuda: 'it needs an NVIDIA driver, CUDA 12 with cuDNN 9, and the provider library of onnxruntime-node: on Linux x64 run `npm rebuild onnxruntime-node` with scripts allowed',
  tensorrt: 'it needs what cuda needs, and TensorRT 10 on the library path',
  webgpu: 'it needs a graphics driver with Vulkan, Metal or Direct3D 12',
  coreml: 'it needs macOS',
  dml: 'it needs Windows with Direct3D 12',
};
/** Devices that `auto` tries before the CPU. */
const preferred = ['tensorrt', 'cuda', 'coreml', 'dml', 'webgpu'];

/**
 * Loads a model onto the worker's device with the worker's threads.
 *
 * `auto` takes the first device that works; when only the CPU does, it warns.
 *
 * @throws `model_unavailable` when the file is no model; `device_unavailable`, saying how to get it, when a device that
 *   was asked for by name is not there.
 */
export async function openSession(path: string, context: ExecutorContext): Promise<DeviceSession> {
  if (context.device !== 'auto') return await open(path, context.device, context);
  const bundled = listSupportedBackends().map(({ name }) => name);
  const candidates = preferred.filter((device) => bundled.includes(device));
  const reasons: string[] = [];
  for (const device of candidates) {
    try {
      return await open(path, device, context);
    } catch (error) {
      reasons.push(FlowError.from(error).message);
    }
  }
  context.logger.warn(
    { tried: candidates, reasons },
    'device auto: no accelerator can be used, the model runs on the CPU; name the device to make this an error',
  );
  return await open(path, 'cpu', context);
}

async function open(path: string, device: string, context: ExecutorContext): Promise<DeviceSession> {
  const [name = device, index] = device.split(':');
  const provider = index === undefined ? name : { name, deviceId: Number(index) };
  try {
    const session = await InferenceSession.create(path, {
      executionProviders: [provider],
      intraOpNumThreads: context.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // The arena and the memory pattern keep the most that any shape ever needed: with texts of all lengths one
      // worker grew to 1.6 GB, without them it stays at 0.36 GB and is as fast.
      enableCpuMemArena: false,
      enableMemPattern: false,
      logSeverityLevel: 3,
    });
    // With device auto this is what tells where the model is.
    context.count(`model_on_${name}`);
    return { session, device };
  } catch (error) {
    if (name === 'cpu') throw FlowError.from(error, 'model_unavailable', `cannot load ${path}`);
    const cause = FlowError.from(error, 'device_unavailable').message;
    const remedy =
      remedies[name] ??
      `ONNX Runtime here knows ${listSupportedBackends()
        .map((each) => each.name)
        .join(', ')}`;
    throw new FlowError(
      'device_unavailable',
      `the model cannot be loaded on the device ${device}: ${remedy}; or write device: cpu (${cause})`,
      { cause: error, details: { device } },
    );
  }
}

/** What ONNX Runtime and the C++ library say when memory is not enough. */
const memoryFault = /out of memory|bad_alloc|failed to allocate|bfcarena|oom\b|alloc(?:ation)? failed/i;

/**
 * Runs rows as one call; when memory is not enough for them, as two calls of half as many, and so on.
 *
 * @returns the results of the calls, in the rows' order
 * @throws `out_of_memory` when one row alone is too much
 */
export async function runHalved<Row, Result>(
  rows: readonly Row[],
  run: (rows: readonly Row[]) => Promise<Result>,
  halved: (rows: number) => void,
): Promise<Result[]> {
  try {
    return [await run(rows)];
  } catch (error) {
    const fault = FlowError.from(error);
    if (!memoryFault.test(fault.message)) throw error;
    if (rows.length === 1) {
      throw new FlowError('out_of_memory', `one row alone does not fit into the device's memory: ${fault.message}`, {
        cause: error,
      });
    }
    halved(rows.length);
    const middle = Math.ceil(rows.length / 2);
    return [
      ...(await runHalved(rows.slice(0, middle), run, halved)),
      ...(await runHalved(rows.slice(middle), run, halved)),
    ];
  }
}
