;; The binary format itself: numbers padded to their full length wherever compilers and linkers pad them, custom sections
;; in every place, and bytes that are no module.

;; Every number of the frame, of immediates and of memory arguments in five bytes (ten for 64-bit constants).
(module binary
  "\00asm" "\01\00\00\00"
  "\01\aa\80\80\80\00"
    "\83\80\80\80\00"  ;; types
    "\60\80\80\80\80\00\81\80\80\80\00\7f"  ;; 0: [] -> [i32]
    "\60\81\80\80\80\00\7f\81\80\80\80\00\7f"  ;; 1: [i32] -> [i32]
    "\60\80\80\80\80\00\81\80\80\80\00\7e"  ;; 2: [] -> [i64]
  "\03\a3\80\80\80\00"
    "\86\80\80\80\00\80\80\80\80\00\81\80\80\80\00\81\80\80\80\00\80\80\80\80\00\82\80\80\80\00\81\80\80\80\00"  ;; functions
  "\04\8c\80\80\80\00"
    "\81\80\80\80\00\70\00\82\80\80\80\00"  ;; table 2 funcref
  "\05\90\80\80\80\00"
    "\81\80\80\80\00\01\81\80\80\80\00\82\80\80\80\00"  ;; memory 1 2
  "\06\8e\80\80\80\00"
    "\81\80\80\80\00\7f\01\41\cd\80\80\80\00\0b"  ;; mutable i32 = 77
  "\07\dc\80\80\80\00"
    "\85\80\80\80\00"  ;; exports
    "\86\80\80\80\00\64\69\72\65\63\74\00\80\80\80\80\00"
    "\88\80\80\80\00\69\6e\64\69\72\65\63\74\00\82\80\80\80\00"
    "\86\80\80\80\00\6d\65\6d\6f\72\79\00\83\80\80\80\00"
    "\84\80\80\80\00\77\69\64\65\00\84\80\80\80\00"
    "\88\80\80\80\00\62\72\61\6e\63\68\65\73\00\85\80\80\80\00"
  "\09\9b\80\80\80\00"
    "\81\80\80\80\00\80\80\80\80\00\41\81\80\80\80\00\0b\81\80\80\80\00\81\80\80\80\00"  ;; elem (i32.const 1) $twice
  "\0a\85\82\80\80\00"
    "\86\80\80\80\00"  ;; bodies
    "\92\80\80\80\00"
    "\80\80\80\80\00"  ;; no locals
    "\41\95\80\80\80\00"  ;; i32.const 21
    "\10\81\80\80\80\00"  ;; call 1
    "\0b"
    "\a5\80\80\80\00"
    "\81\80\80\80\00\81\80\80\80\00\7f"  ;; one local i32
    "\20\80\80\80\80\00\21\81\80\80\80\00"  ;; local.get 0  local.set 1
    "\20\80\80\80\80\00\20\81\80\80\80\00\6a\0b"  ;; local.get 0  local.get 1  i32.add
    "\9d\80\80\80\00"
    "\80\80\80\80\00"
    "\20\80\80\80\80\00\41\81\80\80\80\00"  ;; local.get 0  i32.const 1
    "\11\81\80\80\80\00\80\80\80\80\00\0b"  ;; call_indirect type 1 table 0, both in five bytes
    "\ba\80\80\80\00"
    "\80\80\80\80\00"
    "\41\84\80\80\80\00\23\80\80\80\80\00\36\82\80\80\80\00\88\80\80\80\00"  ;; i32.store offset=8
    "\41\ff\ff\ff\ff\7f\24\80\80\80\80\00"  ;; global.set 0 (i32.const -1)
    "\41\8c\80\80\80\00\2d\80\80\80\80\00\80\80\80\80\00\0b"  ;; i32.load8_u (i32.const 12)
    "\91\80\80\80\00"
    "\80\80\80\80\00"
    "\42\fe\ff\ff\ff\ff\ff\ff\ff\ff\7f\0b"  ;; i64.const -2 in ten bytes
    "\c3\80\80\80\00"
    "\80\80\80\80\00"
    "\02\40\03\40"  ;; block  loop
    "\20\80\80\80\80\00\0e\82\80\80\80\00\81\80\80\80\00\81\80\80\80\00\81\80\80\80\00"  ;; br_table 1 1 1
    "\0b\0b"
    "\02\7f\41\85\80\80\80\00\20\80\80\80\80\00\0d\80\80\80\80\00"  ;; block (result i32)  i32.const 5  br_if 0 (local.get 0)
    "\1a\41\86\80\80\80\00\0b\0b"  ;; drop  i32.const 6
  "\0b\99\80\80\80\00"
    "\81\80\80\80\00\80\80\80\80\00\41\e4\80\80\80\00\0b\83\80\80\80\00\61\62\63"  ;; data (i32.const 100) "abc"
)
(assert_return (invoke "direct") (i32.const 42))
(assert_return (invoke "indirect" (i32.const 9)) (i32.const 18))
(assert_return (invoke "memory") (i32.const 77))
(assert_return (invoke "wide") (i64.const -2))
(assert_return (invoke "branches" (i32.const 1)) (i32.const 5))
(assert_return (invoke "branches" (i32.const 0)) (i32.const 6))

;; Custom sections before, between and behind all others, with contents that mean nothing.
(module binary
  "\00asm" "\01\00\00\00"
  "\00\0c\09\70\72\6f\64\75\63\65\72\73\ff\fe" "\01\05\01\60\00\01\7f"
  "\00\0c\09\70\72\6f\64\75\63\65\72\73\ff\fe" "\03\02\01\00"
  "\00\0c\09\70\72\6f\64\75\63\65\72\73\ff\fe" "\07\05\01\01\66\00\00"
  "\00\0c\09\70\72\6f\64\75\63\65\72\73\ff\fe" "\0a\06\01\04\00\41\2a\0b"
  "\00\07\04\6e\61\6d\65\7f\ff" "\00\0c\0b\2e\64\65\62\75\67\5f\6c\69\6e\65")
(assert_return (invoke "f") (i32.const 42))

;; A byte too many in a number, or bits that mean nothing in its last byte.
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\05\08\01\00\81\80\80\80\80\00")
  "integer representation too long")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\07\01\00\81\80\80\80\10") "integer too large")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\81\80\80\80\80\00\00") "integer representation too long")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\0c\01\0a\00\41\80\80\80\80\80\00\1a\0b")
  "integer representation too long")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\0b\01\09\00\41\ff\ff\ff\ff\4f\1a\0b")
  "integer too large")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\0b\01\09\00\41\80\80\80\80\70\1a")
  "unexpected end")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\11\01\0f\00\42\80\80\80\80\80\80\80\80"
    "\80\80\00\1a\0b")
  "integer representation too long")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\10\01\0e\00\42\80\80\80\80\80\80\80\80"
    "\80\7e\1a\0b")
  "integer too large")

;; Frames that are not right.
(assert_malformed (module binary "") "unexpected end")
(assert_malformed (module binary "\00") "unexpected end")
(assert_malformed (module binary "\00\61\73\6e\01\00\00\00") "magic header not detected")
(assert_malformed (module binary "\00\61\73\6d\02\00\00\00") "unknown binary version")
(assert_malformed (module binary "\00\61\73\6d\01\00\00") "unexpected end")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\0e\00") "malformed section id")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\7f\00") "malformed section id")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\01\00\01\01\00") "unexpected content after last section")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\03\01\00\01\01\00") "unexpected content after last section")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\00") "unexpected end")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\02\00\00") "section size mismatch")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\61\00\00") "malformed type")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\5a\00") "malformed value type")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\00\00") "unexpected end")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\00\02\01\ff") "malformed UTF-8 encoding")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\00\05\04\f0\80\80\80") "malformed UTF-8 encoding")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\02\07\01\01\61\01\c0\00\00")
  "malformed UTF-8 encoding")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\02\06\01\01\61\01\62\05") "malformed import kind")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\07\05\01\01\61\06\00\0a\04\01\02\00\0b")
  "malformed export kind")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\06\06\01\7f\02\41\00\0b") "malformed mutability")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00")
  "function and code section have inconsistent lengths")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\0a\04\01\02\00\0b")
  "function and code section have inconsistent lengths")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\04\01\03\00\0b")
  "unexpected end")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\05\01\02\00\0b\0b")
  "section size mismatch")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\04\01\02\00\01")
  "END opcode expected")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\05\01\03\00\0b\0b")
  "unexpected content after end")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\05\01\03\00\ff\0b")
  "illegal opcode")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\05\01\03\00\27\0b")
  "illegal opcode")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\06\01\04\00\fc\7f\0b")
  "illegal opcode")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\05\01\03\00\05\0b")
  "else without if")
(assert_malformed
  (module binary "\00asm" "\01\00\00\00"
    "\01\04\01\60\00\00\03\02\01\00\0a\0c\01\0a\02\ff\ff\ff\ff\0f\7f\02\7e\0b")
  "too many locals")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\03\01\10\00") "malformed limits flags")
