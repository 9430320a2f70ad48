import { ErrorReports } from '../guards/error-reports.ts'
import { disown } from '../guards/user-code.ts'

/** Reports errors that kept a client from being accepted. */
export class Faults extends ErrorReports {
  constructor(onError: ((error: unknown) => unknown) | undefined) {
    super(onError, 'hosts', 'accepting a client')
  }

  /** Reports the fault behind a refusal, if the refusal has one. */
  tellOf({ fault }: { readonly fault?: { readonly error: unknown } | undefined }): void {
    if (fault !== undefined) this.tell(fault.error)
  }

  /** Calls a function that uses a socket. Ignores its errors, because the socket may be closed already. */
  static attempt(act: () => unknown): void {
    try {
      disown(act())
    } catch {
      // The socket's own events tell what became of it.
    }
  }
}
