// As much of Bun as the README uses. Bun's own types would bring a second set of globals into every test.
declare namespace Bun {
  interface ServerWebSocket<TData> {
    readonly data: TData
    send(text: string): number
    close(code?: number, reason?: string): void
  }

  interface Server<TData> {
    upgrade(request: Request, options: { data: TData }): boolean
  }

  function serve<TData>(options: {
    hostname: string
    port: number
    fetch(request: Request, server: Server<TData>): Response | undefined
    websocket: {
      idleTimeout: number
      open(ws: ServerWebSocket<TData>): void
      message(ws: ServerWebSocket<TData>, message: string | Buffer): void
      close(ws: ServerWebSocket<TData>): void
    }
  }): void
}
