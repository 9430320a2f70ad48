// The part of Bun's types that the README and the examples use. The full types would add a second set of globals to every test.
declare namespace Bun {
  interface ServerWebSocket<TData> {
    readonly data: TData
    readonly readyState: 0 | 1 | 2 | 3
    send(text: string): number
    cork<TResult>(callback: (ws: ServerWebSocket<TData>) => TResult): TResult
    getBufferedAmount(): number
    close(code?: number, reason?: string): void
    terminate(): void
  }

  interface Server<TData> {
    upgrade(request: Request, options: { data: TData }): boolean
  }

  function serve<TData>(options: {
    hostname?: string
    port?: number
    fetch(request: Request, server: Server<TData>): Response | undefined
    websocket: {
      backpressureLimit?: number
      idleTimeout?: number
      open?(ws: ServerWebSocket<TData>): void
      message(ws: ServerWebSocket<TData>, message: string | Buffer): void
      drain?(ws: ServerWebSocket<TData>): void
      close?(ws: ServerWebSocket<TData>): void
    }
  }): void
}
