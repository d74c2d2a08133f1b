/**
 * The arguments of unshare(1) for namespaces that end with their first process: the lab's whole world. Whoever is not root
 * becomes it in a user namespace that owns the others, and outside stays who they are.
 */
export function unshareArguments(isRoot: boolean): readonly string[] {
  const user = isRoot ? [] : ['--user', '--map-root-user'];
  return [...user, '--net', '--mount', '--ipc', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
}
