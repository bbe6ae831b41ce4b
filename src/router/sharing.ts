/** Runs one at a time: who asks while one is under way gets the result of another after it, which all of them share. */
export function sharing<T>(run: () => Promise<T>): () => Promise<T> {
  let present: Promise<T> | undefined
  let next: Promise<T> | undefined
  const ask = (): Promise<T> => {
    if (present === undefined) return (present = run().finally(() => (present = undefined)))
    return (next ??= present
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return ask()
      }))
  }
  return ask
}
