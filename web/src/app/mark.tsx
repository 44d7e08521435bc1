/** The plumb bob. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden>
      <rect width="24" height="24" rx="6" fill="#16213d" />
      <path d="M12 3v7" stroke="#d9a441" strokeWidth="1.6" strokeLinecap="round" />
      <path d="M8.6 10h6.8v3.1L12 21l-3.4-7.9z" fill="#d9a441" />
    </svg>
  );
}
