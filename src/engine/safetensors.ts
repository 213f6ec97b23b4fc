/**
 * The safetensors file format (huggingface/safetensors, version 0.4): eight bytes of header length, a JSON header with the
 * type, shape and place of each tensor, then the elements, little-endian.
 */

import { open, readFile } from "node:fs/promises";
import { InputError } from "../core/index.ts";
import { type DataType, type Elements, emptyElements, type Shape, sizeOf, type TensorSpec } from "./graph.ts";
import { writeWhole } from "./whole.ts";

export interface StoredTensor extends TensorSpec {
  readonly elements: Elements;
}
export type StoredTensors = Readonly<Record<string, StoredTensor>>;

const CODES = { float32: "F32", float64: "F64", int32: "I32", bool: "BOOL" } as const;

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: Shape;
  readonly data_offsets: readonly [number, number];
}

/** Writes the file, whole or not at all, and waits until it is on the disk. */
export async function writeSafetensors(file: string, tensors: StoredTensors): Promise<void> {
  const header: Record<string, HeaderEntry> = {};
  let offset = 0;
  for (const [name, { shape, dataType, elements }] of Object.entries(tensors)) {
    if (elements.length !== sizeOf(shape)) {
      throw new RangeError(
        `tensor "${name}": ${elements.length} elements for the shape [${shape.join(", ")}]`,
      );
    }
    header[name] = { dtype: CODES[dataType], shape, data_offsets: [offset, offset + elements.byteLength] };
    offset += elements.byteLength;
  }
  const json = JSON.stringify(header);
  // Spaces up to a multiple of eight keep every element aligned in the file.
  const text = Buffer.from(
    json.padEnd(Math.ceil(Buffer.byteLength(json) / 8) * 8 - Buffer.byteLength(json) + json.length),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeWhole(file, async (partial) => {
    const handle = await open(partial, "w");
    try {
      await handle.writeFile(Buffer.concat([length, text]));
      for (const { elements } of Object.values(tensors)) {
        await handle.writeFile(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** Reads all tensors of a file; half-precision ones (F16, BF16) become float32. Throws an InputError naming what is wrong. */
export async function readSafetensors(file: string): Promise<StoredTensors> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw wrong(file, undefined, `cannot be read (${error.code ?? error.message})`, "a safetensors file");
  });
  const size = bytes.length;
  const headerLength = size < 8 ? Number.NaN : Number(bytes.readBigUInt64LE(0));
  const start = 8 + headerLength;
  if (!(start <= size)) {
    throw wrong(
      file,
      undefined,
      `${size} bytes, header of ${headerLength}`,
      "a whole safetensors file; this one was cut short",
    );
  }
  let header: Record<string, HeaderEntry>;
  try {
    header = JSON.parse(bytes.toString("utf8", 8, start));
  } catch (error) {
    throw wrong(file, undefined, (error as Error).message, "a JSON header");
  }
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const decode = DECODERS[entry.dtype];
    if (!decode)
      throw wrong(file, name, `elements of ${entry.dtype}`, `one of ${Object.keys(DECODERS).join(", ")}`);
    const [from, to] = entry.data_offsets;
    const expected = sizeOf(entry.shape) * decode.width;
    if (to - from !== expected || from < 0 || start + to > size) {
      throw wrong(
        file,
        name,
        `bytes ${from} to ${to} of ${size - start}`,
        `${expected} bytes for ${entry.dtype} [${entry.shape.join(", ")}], within the file`,
      );
    }
    // Copied, so that the elements are aligned and do not keep the whole file in memory.
    const own = new Uint8Array(bytes.subarray(start + from, start + to)).buffer;
    tensors[name] = { shape: entry.shape, dataType: decode.dataType, elements: decode.elements(own) };
  }
  return tensors;
}

interface Decoder {
  readonly width: number;
  readonly dataType: DataType;
  readonly elements: (bytes: ArrayBuffer) => Elements;
}

const DECODERS: Readonly<Record<string, Decoder>> = {
  F32: { width: 4, dataType: "float32", elements: (bytes) => new Float32Array(bytes) },
  F64: { width: 8, dataType: "float64", elements: (bytes) => new Float64Array(bytes) },
  I32: { width: 4, dataType: "int32", elements: (bytes) => new Int32Array(bytes) },
  BOOL: { width: 1, dataType: "bool", elements: (bytes) => new Uint8Array(bytes) },
  BF16: { width: 2, dataType: "float32", elements: (bytes) => widen(bytes, (half) => half << 16) },
  F16: { width: 2, dataType: "float32", elements: (bytes) => widen(bytes, fromHalf) },
};

/** float32 elements from 16-bit ones, given the bits that each stands for. */
function widen(bytes: ArrayBuffer, bitsOf: (half: number) => number): Float32Array {
  const halves = new Uint16Array(bytes);
  const result = emptyElements("float32", halves.length) as Float32Array;
  const bits = new Uint32Array(result.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = bitsOf(halves[i]!);
  return result;
}

/** IEEE 754 binary16 to the bits of binary32. */
function fromHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half is a normal float32.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function wrong(file: string, path: string | undefined, found: string, expected: string): InputError {
  return new InputError({ place: { file, path }, found, expected });
}
