/** Why a command is not carried out. The client gets the code, and nothing else: the page has the words. */
export class Refusal extends Error {
  /** @param {string} code begins with `ERR_` */
  constructor(code) {
    super(code)
    this.code = code
  }
}
