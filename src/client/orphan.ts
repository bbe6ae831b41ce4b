/**
 * Calls `gone` once when the process that started this one has ended. sshd does not tell a forced command without
 * a terminal that its caller is gone: its parent is, and that is all there is to see.
 */
export function onOrphaned(gone: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    gone()
  }, 500)
  timer.unref()
}
