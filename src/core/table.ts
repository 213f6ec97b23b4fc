/**
 * Tables over DuckDB, for logs and traces that do not fit in memory. DuckDB takes most of a second to load, so it is
 * loaded on first use and never by a command that does not need it.
 */
import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";

export type Row = Record<string, unknown>;

export class Database {
  readonly #connection: DuckDBConnection;

  private constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** An in-memory database that spills to disk above `memoryLimit`. */
  static async open({ memoryLimit = "2GB", threads = 2 } = {}): Promise<Database> {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:", {
      memory_limit: memoryLimit,
      threads: String(threads),
    });
    return new Database(await instance.connect());
  }

  /** Runs a statement and forgets its result. `$name` in the text is bound to `parameters.name`. */
  async run(sql: string, parameters: Record<string, DuckDBValue> = {}): Promise<void> {
    await this.#connection.run(sql, parameters);
  }

  /** All rows of a query, as plain objects; whole numbers beyond 2^53 lose precision. */
  async rows(sql: string, parameters: Record<string, DuckDBValue> = {}): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const row of this.stream(sql, parameters)) rows.push(row);
    return rows;
  }

  /** The rows of a query, a chunk at a time in the background, in bounded memory. */
  async *stream(sql: string, parameters: Record<string, DuckDBValue> = {}): AsyncGenerator<Row> {
    const result = await this.#connection.stream(sql, parameters);
    const names = result.columnNames();
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      for (const values of chunk.getRows()) {
        yield Object.fromEntries(names.map((name, i) => [name, plain(values[i])]));
      }
    }
  }

  /** The single row of a query that always has one. */
  async one(sql: string, parameters: Record<string, DuckDBValue> = {}): Promise<Row> {
    const [row] = await this.rows(sql, parameters);
    if (!row) throw new Error(`no row from: ${sql}`);
    return row;
  }

  close(): void {
    this.#connection.closeSync();
  }
}

function plain(value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}
