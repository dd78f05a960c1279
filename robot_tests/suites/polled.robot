*** Settings ***
Documentation       A program that looks at its interrupt block by itself: no raise is lost, no code runs behind its back.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           irq    needs-link


*** Test Cases ***
A Program Finds Every Raise In Its Block
    Load Program    polled
    Raise Irq    soft0    count=20    every_us=2000
    Start App
    Wait For Line On Uart    taken: 20
    Result Should Be    0
    Irq Should Have Been Raised    soft0    20
    Irq Should Not Have Been Delivered    soft0

The Same Program Can Run Again
    Load Program    polled
    Raise Irq    soft0    count=20    every_us=500
    Start App
    Wait For Line On Uart    taken: 20
    Result Should Be    0
