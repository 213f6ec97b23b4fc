/**
 * The part of the ONNX file format that a traced graph needs, written in Protocol Buffers' wire format. Field numbers
 * are those of onnx.proto (onnx/onnx, IR version 10). A schema compiler would be more code than this.
 */

/** Opset 21 (ONNX 1.16) is read by every runtime of the last two years. */
export const OPERATOR_SET = 21;

/** Encoded bytes in pieces, so that large weights are copied once, at the end. */
type Pieces = readonly Uint8Array[];

const text = new TextEncoder();
const lengthOf = (pieces: Pieces): number => pieces.reduce((sum, piece) => sum + piece.length, 0);

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

const key = (field: number, wireType: number): Uint8Array => varint((field << 3) | wireType);

function integer(field: number, value: number | bigint): Pieces {
  return [key(field, 0), varint(value)];
}

function bytes(field: number, content: Uint8Array): Pieces {
  return [key(field, 2), varint(content.length), content];
}

const string = (field: number, value: string): Pieces => bytes(field, text.encode(value));

function message(field: number, ...parts: readonly Pieces[]): Pieces {
  const body = parts.flat();
  return [key(field, 2), varint(lengthOf(body)), ...body];
}

function float(field: number, value: number): Pieces {
  return [key(field, 5), new Uint8Array(Float32Array.of(value).buffer)];
}

export const ELEMENT_TYPES = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

export interface NodeDescription {
  /** Operators of other domains than the standard's have theirs before a colon. */
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** A number is an ONNX integer; `{ float }` makes it a float. */
export type AttributeValue = number | string | readonly number[] | { readonly float: number };

export interface InitialiserDescription {
  readonly name: string;
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface ValueDescription {
  readonly name: string;
  readonly elementType: ElementType;
  readonly shape: readonly number[];
}

export interface ModelDescription {
  readonly name: string;
  readonly nodes: readonly NodeDescription[];
  readonly initialisers: readonly InitialiserDescription[];
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
  /** Version of the standard's operators. */
  readonly operatorSet: number;
}

function attribute(name: string, value: AttributeValue): Pieces {
  const [type, content] =
    typeof value === "number"
      ? [2, integer(3, value)]
      : typeof value === "string"
        ? [3, string(4, value)]
        : "float" in value
          ? [1, float(2, value.float)]
          : [7, value.flatMap((item) => integer(8, item))];
  return message(5, string(1, name), content, integer(20, type));
}

function node({ operator, inputs, outputs, attributes }: NodeDescription): Pieces {
  const { domain, type } = parsed(operator);
  return message(
    1,
    ...inputs.map((name) => string(1, name)),
    ...outputs.map((name) => string(2, name)),
    string(4, type),
    ...(domain === "" ? [] : [string(7, domain)]),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  );
}

function parsed(operator: string): { domain: string; type: string } {
  const colon = operator.indexOf(":");
  return { domain: operator.slice(0, Math.max(0, colon)), type: operator.slice(colon + 1) };
}

function initialiser({ name, elementType, shape, bytes: content }: InitialiserDescription): Pieces {
  return message(
    5,
    ...shape.map((length) => integer(1, length)),
    integer(2, ELEMENT_TYPES[elementType]),
    string(8, name),
    bytes(9, content),
  );
}

function value(field: number, { name, elementType, shape }: ValueDescription): Pieces {
  const dimensions = message(2, ...shape.map((length) => message(1, integer(1, length))));
  return message(
    field,
    string(1, name),
    message(2, message(1, integer(1, ELEMENT_TYPES[elementType]), dimensions)),
  );
}

/** The bytes of a ModelProto. */
export function encodeModel(model: ModelDescription): Uint8Array {
  const domains = new Set(model.nodes.map(({ operator }) => parsed(operator).domain));
  domains.delete("");
  const pieces = [
    integer(1, 10),
    string(2, "terrarium"),
    message(
      7,
      ...model.nodes.map(node),
      string(2, model.name),
      ...model.initialisers.map(initialiser),
      ...model.inputs.map((item) => value(11, item)),
      ...model.outputs.map((item) => value(12, item)),
    ),
    message(8, string(1, ""), integer(2, model.operatorSet)),
    ...[...domains].map((domain) => message(8, string(1, domain), integer(2, 1))),
  ].flat();
  const encoded = new Uint8Array(lengthOf(pieces));
  let offset = 0;
  for (const piece of pieces) {
    encoded.set(piece, offset);
    offset += piece.length;
  }
  return encoded;
}
