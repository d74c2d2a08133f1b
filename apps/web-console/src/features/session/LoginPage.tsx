import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { isProblemOf } from '../../api/index.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { useProblemForm } from '../../ui/use-problem-form.js';
import { Wordmark } from '../../ui/Wordmark.js';
import { OidcLogin } from './OidcLogin.js';
import { logIn } from './queries.js';

/** Where everything begins. After logging in the reader lands where they wanted to go. */
export function LoginPage(): ReactNode {
  const { next, refused } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { form, failure, refuse, clear } = useProblemForm({ userName: '', password: '', code: '' });
  const login = useMutation({
    mutationFn: ({ userName, password, code }: typeof form.values) =>
      logIn({ userName, password, ...(code.trim() !== '' && { code: code.trim() }) }),
    onSuccess: () => {
      queryClient.clear();
      return navigate({ href: next ?? '/', replace: true });
    },
    onError: (error) => {
      if (!isProblemOf(error, 'code_required')) return refuse(error);
      clear();
      setAsking(true);
    },
  });
  return (
    <main className="w-login">
      <form className="w-login-card" onSubmit={form.onSubmit((values) => login.mutate(values))} noValidate>
        <Wordmark size={34} />
        <p className="w-login-lead">Controller for your multi-site IPsec fabric</p>
        <Stack gap="sm">
          <OidcLogin next={next} refused={refused} />
          <TextInput
            label="User name"
            autoComplete="username"
            autoFocus
            required
            withAsterisk={false}
            {...form.getInputProps('userName')}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            {...form.getInputProps('password')}
          />
          {asking && (
            <TextInput
              label="Code"
              description="Of your authenticator, or a recovery code."
              autoComplete="one-time-code"
              autoFocus
              required
              withAsterisk={false}
              maxLength={40}
              {...form.getInputProps('code')}
            />
          )}
          {failure !== undefined && <FailureNotice error={failure.error} entries={failure.entries} />}
          <Button type="submit" fullWidth mt={4} loading={login.isPending}>
            Log in
          </Button>
        </Stack>
      </form>
      <p className="w-login-foot">
        First start? The controller printed the password of <b>admin</b> once, in its log.
      </p>
    </main>
  );
}
