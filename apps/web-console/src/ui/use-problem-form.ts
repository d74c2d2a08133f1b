import { type UseFormReturnType, useForm } from '@mantine/form';
import { useState } from 'react';
import { placeErrors } from '../api/field-errors.js';
import { failureOf, type ProblemEntry } from '../api/index.js';

export interface ProblemForm<Values extends object> {
  readonly form: UseFormReturnType<Values>;
  /** The failure to show beside the form, and its entries that fit no field; undefined when all of it is at the fields. */
  readonly failure: { readonly error: unknown; readonly entries: readonly ProblemEntry[] } | undefined;
  /** Puts a thrown problem where it belongs. */
  readonly refuse: (error: unknown) => void;
  readonly clear: () => void;
}

/** A form whose fields show what the controller says about them. `base`: pointer of the form's value in the request. */
export function useProblemForm<Values extends object>(
  initialValues: Values,
  fieldsOf: (values: Values) => readonly string[] = Object.keys,
  base = '',
): ProblemForm<Values> {
  const form = useForm<Values>({ initialValues });
  const [failure, setFailure] = useState<ProblemForm<Values>['failure']>();
  return {
    form,
    failure,
    refuse: (error) => {
      const { errors } = failureOf(error);
      const { fields, rest } = placeErrors(errors, fieldsOf(form.getValues()), base);
      form.setErrors(fields);
      setFailure(errors.length > 0 && rest.length === 0 ? undefined : { error, entries: rest });
    },
    clear: () => setFailure(undefined),
  };
}
