import type { Socket } from '../../src/index.ts'

type Send = (text: string) => unknown
type Close = () => unknown

/** A socket that records what it is given, and answers as it is told to. */
export class FakeSocket implements Socket {
  /** The texts that `send` was called with, in order, those that it then refused included. */
  readonly sent: string[] = []
  closeCalls = 0
  readonly #send: Send
  readonly #close: Close

  constructor({ send = () => {}, close = () => {} }: { send?: Send; close?: Close } = {}) {
    this.#send = send
    this.#close = close
  }

  /** The `data` of each text, for tests that only care which messages came. */
  get received(): unknown[] {
    return this.sent.map((text) => (JSON.parse(text) as { data: unknown }).data)
  }

  send(text: string): void {
    this.sent.push(text)
    return this.#send(text) as void
  }

  close(): void | Promise<void> {
    this.closeCalls++
    return this.#close() as void | Promise<void>
  }
}
