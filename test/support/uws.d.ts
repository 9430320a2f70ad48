// The part of the types of uWebSockets.js that the example uses. The package is not on npm.
declare module 'uWebSockets.js' {
  export interface WebSocket<TUserData> {
    send(message: string | ArrayBuffer | Uint8Array, isBinary?: boolean, compress?: boolean): number
    cork(callback: () => void): WebSocket<TUserData>
    getBufferedAmount(): number
    getUserData(): TUserData
    end(code?: number, shortMessage?: string | ArrayBuffer | Uint8Array): void
    close(): void
  }

  export interface TemplatedApp {
    ws<TUserData>(pattern: string, behavior: {
      maxBackpressure?: number
      open?(ws: WebSocket<TUserData>): void
      drain?(ws: WebSocket<TUserData>): void
      close?(ws: WebSocket<TUserData>, code: number, message: ArrayBuffer): void
    }): TemplatedApp
  }

  export function App(): TemplatedApp
}
