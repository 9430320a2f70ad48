/** The listeners of one thing, such as an event or a stream. What they throw, and what their promises reject with, goes to `failed`. */
export class Listeners<TPayload> extends Set<(payload: TPayload) => unknown> {
  readonly failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    super()
    this.failed = failed
  }

  tell(payload: TPayload): void {
    for (const listener of [...this]) void this.tellOne(listener, payload)
  }

  async tellOne(listener: (payload: TPayload) => unknown, payload: TPayload): Promise<void> {
    try {
      // An earlier listener may have removed this one.
      if (this.has(listener)) await listener(payload)
    } catch (error) {
      this.failed(error)
    }
  }
}
